// Named sets of options: those that the server ships, and the user's own.

import { button, el } from "./dom.js";
import { TEXT } from "./text.js";

const MEMORY = "cdfi-presets";
const PLAIN = { factor: 2, fps: undefined, slow: undefined, audio: undefined, dedup: false, codec: undefined, container: undefined, crf: undefined };
const CONTAINERS = { ffv1: ".mkv" }; // of codecs that few containers hold

// Return the values of the form for a set of options of the server.
function formValues(options) {
  const goal = options.slow === undefined ? "smoother" : "slower";
  return { ...PLAIN, goal, container: CONTAINERS[options.codec], ...options };
}

// Return the row of presets for an options form.
export function presetRow(form) {
  const own = recall();
  const given = Object.entries(form.about.presets).map(([key, options]) => button(TEXT.presetNames[key] || key, () => form.set(formValues(options)), { class: "tag", id: `preset-${key}` }));
  const saved = Object.entries(own).map(([name, values]) => el("span", { class: "tag-group" },
    button(name, () => form.set(values), { class: "tag" }),
    button("\u00d7", () => { forget(name); form.render(); }, { class: "tag icon", "aria-label": `${TEXT.deletePreset} ${name}` })));
  const save = button(`+ ${TEXT.savePreset}`, () => ask(form), { class: "tag dashed", id: "preset-save" });
  return el("div", { class: "presets", role: "group", "aria-label": TEXT.presets }, given, saved, save);
}

// Show a field for the name of a new preset.
function ask(form) {
  const input = el("input", { id: "preset-name", "aria-label": TEXT.presetPrompt, placeholder: TEXT.presetPrompt, maxLength: 40, size: 16 });
  const save = () => {
    const name = input.value.trim();
    if (name) localStorage.setItem(MEMORY, JSON.stringify({ ...recall(), [name]: form.values }));
    form.render();
  };
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") { event.preventDefault(); save(); }
    if (event.key === "Escape") form.render();
  });
  document.getElementById("preset-save").replaceWith(input);
  input.focus();
}

function recall() {
  try {
    return JSON.parse(localStorage.getItem(MEMORY)) || {};
  } catch {
    return {};
  }
}

function forget(name) {
  const rest = recall();
  delete rest[name];
  localStorage.setItem(MEMORY, JSON.stringify(rest));
}

// Named sets of options: a few that come with the page, and the user's own.

import { button, el } from "./dom.js";
import { TEXT } from "./text.js";

const MEMORY = "cdfi-presets";
const PLAIN = { dedup: false, codec: undefined, container: undefined, crf: undefined };
const GIVEN = {
  film60: { goal: "smoother", fps: "60", quality: "high" },
  slow4: { goal: "slower", slow: 4, audio: "stretch", quality: "high" },
  anime: { goal: "smoother", fps: "60000/1001", dedup: true, quality: "high" },
  archive: { goal: "smoother", factor: 2, fps: undefined, quality: "lossless", codec: "ffv1", container: ".mkv" },
  small: { goal: "smoother", factor: 2, fps: undefined, quality: "small" },
};

// Return the row of presets for an options form.
export function presetRow(form) {
  const own = recall();
  const given = Object.entries(GIVEN).map(([key, values]) => button(TEXT.presetNames[key], () => form.set({ ...PLAIN, ...values }), { class: "tag", id: `preset-${key}` }));
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

// The form of options: a simple choice first, everything else folded away.

import { button, el } from "./dom.js";
import { TEXT } from "./text.js";
import { presetRow } from "./presets.js";

const FACTORS = [2, 4, 8];
const RATES = [48, 50, 60, 120];
const CODECS = ["h264", "hevc", "av1", "vp9", "prores", "ffv1"];
const QUALITIES = ["small", "medium", "high", "lossless"];
const REMEMBERED = "cdfi-options";

export const DEFAULTS = { goal: "smoother", factor: 2, quality: "high", model: "flow", scenes: true };

// The form. onChange is called after each change.
export class OptionsForm {
  constructor(form, about, onChange) {
    this.form = form;
    this.about = about;
    this.onChange = onChange;
    this.values = { ...DEFAULTS, ...recall() };
    this.images = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    this.render();
  }

  // Show the options for a kind of source.
  showFor(kind) {
    const images = kind !== "video";
    if (images === this.images) return;
    this.images = images;
    this.render();
  }

  set(changes) {
    Object.assign(this.values, changes);
    localStorage.setItem(REMEMBERED, JSON.stringify(this.values));
    this.render();
    this.onChange();
  }

  // Return the options as the server takes them.
  request(kind) {
    const { goal, factor, fps, slow, audio, quality, ...rest } = this.values;
    const found = {};
    for (const name of kind === "video" ? VIDEO_NAMES : IMAGE_NAMES) {
      if (rest[name] !== undefined && rest[name] !== "" && rest[name] !== null) found[name] = rest[name];
    }
    if (found.scenes === true) delete found.scenes;
    if (kind !== "video") return kind === "folder" ? { ...found, factor: factor || 2 } : found;
    if (found.crf === undefined) found.quality = quality;
    if (goal === "slower") return { ...found, slow: slow || 2, audio: audio || "stretch" };
    return fps ? { ...found, fps } : { ...found, factor: factor || 2 };
  }

  render() {
    const focused = document.activeElement?.id;
    const open = this.form.querySelector("details")?.open || false;
    this.form.replaceChildren(...(this.images ? this.imageRows() : this.videoRows()));
    const details = this.form.querySelector("details");
    if (details) details.open = open;
    if (focused) document.getElementById(focused)?.focus();
  }

  imageRows() {
    return [this.factorRow(), this.modelRow(), this.moreRow(["device", "memory"])];
  }

  videoRows() {
    const slower = this.values.goal === "slower";
    return [
      presetRow(this),
      this.goalRow(),
      slower ? this.slowRow() : this.rateRow(),
      slower ? this.soundRow() : null,
      this.choices("quality", TEXT.qualityTitle, QUALITIES.map((name) => [name, TEXT.qualities[name]])),
      this.modelRow(),
      this.moreRow(Object.keys(MORE)),
    ].filter(Boolean);
  }

  goalRow() {
    const goals = [["smoother", TEXT.smoother, TEXT.smootherHint], ["slower", TEXT.slower, TEXT.slowerHint]];
    return this.choices("goal", TEXT.goal, goals, "goals");
  }

  factorRow() {
    const row = FACTORS.map((factor) => [factor, `\u00d7${factor}`, TEXT.times]);
    return this.choices("factor", TEXT.howMuch, row);
  }

  rateRow() {
    const factors = FACTORS.map((factor) => [`x${factor}`, `\u00d7${factor}`]);
    const rates = RATES.map((rate) => [String(rate), String(rate)]);
    const { fps, factor } = this.values;
    const pick = (value) => this.set(value.startsWith("x") ? { factor: Number(value.slice(1)), fps: undefined } : { fps: value });
    const group = this.choices("rate", TEXT.howMuch, [...factors, null, ...rates], "", fps || `x${factor}`, pick);
    const known = !fps || RATES.includes(Number(fps));
    const other = el("input", {
      id: "rate-other", inputMode: "decimal", size: 6, placeholder: TEXT.otherRate, "aria-label": `${TEXT.otherRate} (${TEXT.constantRate})`,
      value: known ? "" : fps, onchange: (event) => this.set({ fps: event.target.value.trim() || undefined }),
    });
    group.querySelector(".chips").append(other, el("span", { class: "unit" }, TEXT.constantRate));
    return group;
  }

  slowRow() {
    const row = FACTORS.map((factor) => [factor, `\u00d7${factor}`]);
    return this.choices("slow", TEXT.howMuch, row, "", this.values.slow || 2);
  }

  soundRow() {
    return this.choices("audio", TEXT.soundTitle, [["stretch", TEXT.soundStretch], ["drop", TEXT.soundDrop]], "", this.values.audio || "stretch");
  }

  modelRow() {
    const choices = this.about.models.map((name) => {
      const [title, hint] = TEXT.models[name] || [name, ""];
      return el("option", { value: name, selected: name === this.values.model }, hint ? `${title}: ${hint}` : title);
    });
    const select = el("select", { id: "model", onchange: (event) => this.set({ model: event.target.value }) }, choices);
    return el("div", { class: "field" }, el("label", { for: "model" }, TEXT.model), select);
  }

  moreRow(names) {
    const rows = names.map((name) => MORE[name](this, name));
    return el("details", {}, el("summary", {}, TEXT.more), el("div", { class: "grid" }, rows));
  }

  // Return a group of radio buttons that look like chips.
  choices(name, title, rows, kind = "", value = this.values[name], onPick = (picked) => this.set({ [name]: picked })) {
    const chips = rows.map((row) => {
      if (!row) return el("span", { class: "break" }, TEXT.orRate);
      const [key, text, hint] = row;
      const input = el("input", {
        type: "radio", name, id: `${name}-${key}`, value: key, checked: String(key) === String(value), onchange: () => onPick(key),
      });
      return el("label", { class: "chip" }, input, el("span", {}, text, hint ? el("small", {}, hint) : null));
    });
    return el("fieldset", {}, el("legend", {}, title), el("div", { class: `chips ${kind}` }, chips));
  }
}

function select(rows) {
  return (form, name) => {
    const choices = rows(form).map(([value, text]) => el("option", { value, selected: value === (form.values[name] || "") }, text));
    const field = el("select", { id: name, onchange: (event) => form.set({ [name]: event.target.value || undefined }) }, choices);
    return el("div", { class: "field" }, el("label", { for: name }, LABELS[name]), field);
  };
}

function entry(properties, read = (text) => text || undefined) {
  return (form, name) => {
    const field = el("input", { id: name, value: form.values[name] ?? "", ...properties, onchange: (event) => form.set({ [name]: read(event.target.value.trim()) }) });
    return el("div", { class: "field" }, el("label", { for: name }, LABELS[name]), field);
  };
}

function check(form, name) {
  const input = el("input", { type: "checkbox", id: name, checked: form.values[name] === true, onchange: (event) => form.set({ [name]: event.target.checked }) });
  return el("label", { class: "check" }, input, el("span", {}, LABELS[name]));
}

const LABELS = {
  container: TEXT.container, codec: TEXT.codec, crf: TEXT.crf, preset: TEXT.encoderPreset, pix_fmt: TEXT.pixelFormat,
  scenes: TEXT.sceneCuts, dedup: TEXT.dedup, deinterlace: TEXT.deinterlace, device: TEXT.device, memory: TEXT.memory,
};

const MORE = {
  container: select((form) => [["", TEXT.sameAsSource], ...form.about.containers.map((name) => [name, name.slice(1).toUpperCase()])]),
  codec: select(() => [["", TEXT.automatic], ...CODECS.map((name) => [name, name.toUpperCase()])]),
  crf: entry({ type: "number", min: 0, max: 63, step: 0.5 }, (text) => (text === "" ? undefined : Number(text))),
  preset: entry({ placeholder: "medium" }),
  pix_fmt: entry({ placeholder: "yuv420p10le" }),
  device: entry({ placeholder: "auto" }),
  memory: entry({ placeholder: "4GB" }),
  scenes: check,
  dedup: check,
  deinterlace: check,
};

const IMAGE_NAMES = ["model", "device", "memory"];
const VIDEO_NAMES = [...Object.keys(MORE), "model"];

function recall() {
  try {
    return JSON.parse(localStorage.getItem(REMEMBERED)) || {};
  } catch {
    return {};
  }
}

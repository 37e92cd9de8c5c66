// The strip of thumbnails with a position, and the part of the video that is interpolated.

import { sourceQuery } from "./api.js";
import { button, el } from "./dom.js";
import { TEXT } from "./text.js";

const PAUSE = 200; // milliseconds without a move before the frame is requested

export class Scrubber {
  constructor(source, onChange) {
    this.source = source;
    this.onChange = onChange;
    this.position = 0;
    this.start = null;
    this.end = null;
    const { duration, rate } = source.facts;
    this.duration = duration;
    this.strip = el("img", { class: "strip", alt: "", src: `api/thumbnails?${sourceQuery(source.ref)}` });
    this.shade = [el("div", { class: "shade" }), el("div", { class: "shade end" })];
    this.range = el("input", {
      type: "range", min: 0, max: duration, step: 1 / rate, value: 0, "aria-label": `${TEXT.scrubber}: ${source.name}`,
      oninput: (event) => this.move(Number(event.target.value)),
    });
    this.still = el("img", { class: "still", alt: TEXT.picture, hidden: true });
    this.label = el("p", { class: "small status" });
    this.node = el("div", { class: "scrubber" }, this.still, el("div", { class: "track" }, this.strip, this.shade), this.range,
      el("div", { class: "row" }, button(TEXT.setStart, () => this.cut("start"), { class: "tag" }), button(TEXT.setEnd, () => this.cut("end"), { class: "tag" }),
        button(TEXT.wholeVideo, () => this.clear(), { class: "tag" }), this.label));
    this.show();
  }

  move(seconds) {
    this.position = Math.min(seconds, this.duration);
    this.show();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.showStill(), PAUSE);
  }

  showStill() {
    this.still.src = `api/still?${sourceQuery(this.source.ref)}&at=${Math.min(this.position, this.duration - 0.001).toFixed(3)}`;
    this.still.hidden = false;
  }

  // Begin or end the part at the position; the other end gives way.
  cut(which) {
    this[which] = this.position;
    if (this.start !== null && this.end !== null && this.end <= this.start) this[which === "start" ? "end" : "start"] = null;
    this.show();
    this.onChange();
  }

  clear() {
    this.start = null;
    this.end = null;
    this.show();
    this.onChange();
  }

  // Return the options that choose the part.
  options() {
    const found = {};
    if (this.start) found.start = this.start.toFixed(3);
    if (this.end !== null && this.end < this.duration) found.end = this.end.toFixed(3);
    return found;
  }

  // Return the options that choose some seconds from the position on.
  previewOptions(seconds) {
    const start = Math.max(Math.min(this.position, this.duration - seconds), 0);
    return start > 0 ? { start: start.toFixed(3), duration: String(seconds) } : { duration: String(seconds) };
  }

  show() {
    const percent = (seconds) => `${(100 * seconds) / this.duration}%`;
    this.shade[0].style.width = percent(this.start || 0);
    this.shade[1].style.width = percent(this.duration - (this.end ?? this.duration));
    const part = this.start || this.end !== null ? TEXT.part(clock(this.start || 0), clock(this.end ?? this.duration)) : TEXT.all;
    this.label.textContent = `${clock(this.position)} \u00b7 ${part}`;
  }
}

// 75.25 -> "1:15.25".
function clock(seconds) {
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - 60 * minutes).toFixed(2).padStart(5, "0")}`;
}

// The dialog of a comparison: the player with its controls.

import { call } from "./api.js";
import { button, byId, el, notice } from "./dom.js";
import { duration } from "./format.js";
import { Player } from "./player.js";
import { TEXT } from "./text.js";

const SPEEDS = [0.25, 0.5, 1];

export async function openCompare(job) {
  const dialog = byId("compare");
  const heading = el("div", { class: "row between" }, el("h2", { id: "compare-title" }, job.name), button(TEXT.close, () => dialog.close()));
  const body = el("div", { class: "compare-body" }, el("p", { class: "empty" }, `${TEXT.preparingCompare}\u2026`), el("progress", { "aria-label": TEXT.preparingCompare }));
  dialog.replaceChildren(heading, body);
  dialog.showModal();
  await showPart(dialog, body, job, 0);
}

async function showPart(dialog, body, job, start) {
  let player = null;
  try {
    const record = await call(`api/jobs/${job.id}/compare?start=${start}`);
    if (!dialog.open) return;
    const controls = new Controls(record, (next) => showPart(dialog, body, job, next));
    player = controls.player;
    body.replaceChildren(...controls.nodes);
    await player.load(`api/jobs/${job.id}/compare.mp4?start=${start}`, record);
    controls.setUpKeys(dialog);
    player.canvas.focus();
  } catch (error) {
    if (dialog.open) notice(error.message || TEXT.compareFailed);
    dialog.close();
  }
  dialog.addEventListener("close", () => player?.close(), { once: true });
}

class Controls {
  constructor(record, onPart) {
    this.record = record;
    this.player = new Player(() => this.show());
    this.player.canvas.setAttribute("aria-label", TEXT.canvas);
    this.player.canvas.setAttribute("role", "img");
    this.play = button("\u25b6", () => this.player.toggle(), { class: "icon primary", id: "play", "aria-label": TEXT.play });
    this.label = el("p", { class: "small status", id: "frame-label", role: "status" });
    this.timeline = el("input", {
      type: "range", id: "timeline", min: 0, max: record.times.length - 1, step: 1, value: 0, "aria-label": TEXT.frame,
      oninput: (event) => this.player.show(Number(event.target.value)),
    });
    this.ticks = el("canvas", { class: "ticks", "aria-hidden": "true", width: 1000, height: 8 });
    this.split = el("input", {
      type: "range", id: "split", min: 0, max: 100, value: 50, "aria-label": TEXT.divider,
      oninput: (event) => this.player.set({ split: event.target.value / 100 }),
    });
    this.nodes = [this.screen(), this.ticks, this.timeline, this.label, this.buttons(onPart)];
    for (const name of ["play", "pause"]) this.player.video.addEventListener(name, () => this.showPlay());
    this.drawTicks();
  }

  screen() {
    this.names = el("div", { class: "names" }, el("span", {}, TEXT.before), el("span", {}, TEXT.after));
    return el("div", { class: "stage" }, el("div", { class: "picture" }, this.player.canvas, this.names));
  }

  buttons(onPart) {
    const step = (count, text, sign) => button(sign, () => this.player.step(count), { class: "icon", "aria-label": text, id: count > 0 ? "next" : "previous" });
    const { start, length, times } = this.record;
    const parts = [];
    if (start > 0) parts.push(button(`\u2190 ${duration(Math.max(start - length, 0))}`, () => onPart(Math.max(start - length, 0)), { "aria-label": TEXT.earlier }));
    if (times.at(-1) > length - 1) parts.push(button(`${duration(start + length)} \u2192`, () => onPart(start + length), { "aria-label": TEXT.later }));
    return el("div", { class: "row controls" },
      el("div", { class: "row" }, step(-1, TEXT.previousFrame, "\u2039"), this.play, step(1, TEXT.nextFrame, "\u203a")),
      this.chips("speed", TEXT.speed, SPEEDS.map((speed) => [speed, `${speed}\u00d7`]), 1, (speed) => { this.player.video.playbackRate = speed; }),
      this.chips("view", TEXT.view, Object.entries(TEXT.views), "slider", (view) => this.setView(view)),
      el("label", { class: "slide", id: "split-label" }, el("span", { class: "small" }, TEXT.divider), this.split),
      el("div", { class: "row" }, button("\u2212", () => this.player.setZoom(this.player.zoom / 1.5), { class: "icon", "aria-label": TEXT.zoomOut }),
        button("+", () => this.player.setZoom(this.player.zoom * 1.5), { class: "icon", "aria-label": TEXT.zoomIn })),
      el("div", { class: "row" }, parts));
  }

  chips(name, title, rows, value, onPick) {
    const chips = rows.map(([key, text]) => el("label", { class: "chip small-chip" },
      el("input", { type: "radio", name, id: `${name}-${key}`, checked: key === value, onchange: () => onPick(key) }), el("span", {}, text)));
    return el("div", { class: "chips", role: "radiogroup", "aria-label": title }, chips);
  }

  setView(view) {
    this.player.set({ view });
    byId("split-label").hidden = view !== "slider";
    this.names.hidden = view === "difference";
  }

  show() {
    const { frame, split } = this.player;
    this.timeline.value = frame;
    this.split.value = Math.round(split * 100);
    const kind = this.record.source[frame] ? TEXT.sourceFrame : TEXT.interpolatedFrame;
    const seconds = (this.record.start + this.record.times[frame]).toFixed(3);
    this.label.textContent = `${TEXT.frame} ${frame + 1} / ${this.record.times.length} \u00b7 ${seconds} s \u00b7 ${kind}`;
  }

  showPlay() {
    const { paused } = this.player.video;
    this.play.textContent = paused ? "\u25b6" : "\u2016";
    this.play.setAttribute("aria-label", paused ? TEXT.play : TEXT.pause);
  }

  // Mark the source frames above the timeline.
  drawTicks() {
    const context = this.ticks.getContext("2d");
    const last = Math.max(this.record.times.length - 1, 1);
    context.fillStyle = "#14b8a6";
    this.record.source.forEach((isSource, index) => {
      if (isSource) context.fillRect(8 + (index / last) * 982, 0, 2, 8);
    });
  }

  setUpKeys(dialog) {
    dialog.onkeydown = (event) => {
      const onRange = event.target.type === "range" || event.target.type === "radio";
      const action = { " ": () => this.player.toggle(), ArrowLeft: () => this.player.step(-1), ArrowRight: () => this.player.step(1), "+": () => this.player.setZoom(this.player.zoom * 1.5), "-": () => this.player.setZoom(this.player.zoom / 1.5) }[event.key];
      if (!action || onRange || (event.key === " " && event.target.tagName === "BUTTON")) return;
      event.preventDefault();
      action();
    };
  }
}

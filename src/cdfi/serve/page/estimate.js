// The live estimate: the server's dry run, repeated when options change.

import { call } from "./api.js";
import { el } from "./dom.js";
import { bytes, duration, number, rate } from "./format.js";
import { TEXT } from "./text.js";

const PAUSE = 400; // milliseconds without a change before the server is asked

export class Estimate {
  constructor(node) {
    this.node = node;
    this.timer = null;
    this.abort = null;
    this.last = "";
  }

  // Show the plan for a job; the answer to an older question is dropped.
  update(source, options) {
    const body = { source: source.ref, options };
    const key = JSON.stringify(body);
    if (key === this.last) return;
    this.last = key;
    clearTimeout(this.timer);
    this.abort?.abort();
    this.node.classList.add("stale");
    if (!this.node.childElementCount) this.node.replaceChildren(el("p", { class: "small" }, `${TEXT.estimating}\u2026`));
    this.timer = setTimeout(() => this.fetch(body), PAUSE);
  }

  async fetch(body) {
    this.abort = new AbortController();
    try {
      const plan = await call("api/plan", { method: "POST", body, signal: this.abort.signal });
      this.node.replaceChildren(...rows(plan));
      this.node.classList.remove("stale", "refused");
    } catch (error) {
      if (error.name === "AbortError") return;
      this.node.replaceChildren(el("p", { class: "warning" }, error.message));
      this.node.classList.remove("stale");
      this.node.classList.add("refused");
      this.last = "";
    }
  }
}

// The time that a job takes, with its spread.
function span(plan) {
  const [least, most] = (plan.estimated_seconds_range || [plan.estimated_seconds, plan.estimated_seconds]).map((value) => duration(Math.max(value, 1)));
  return least === most ? least : `${least} \u2013 ${most}`;
}

function rows(plan) {
  const facts = [[TEXT.estFrames, `${number(plan.source_frames)} \u2192 ${number(plan.frames)}`]];
  if (plan.rate) {
    facts.push([TEXT.estLength, `${duration(plan.duration)} at ${rate(plan.rate[1])} ${TEXT.constantRate}`]);
    facts.push([TEXT.estTime, span(plan)]);
    if (plan.memory) facts.push([TEXT.estMemory, bytes(plan.memory)]);
    facts.push([TEXT.estDisk, `${plan.disk_needed ? `${bytes(plan.disk_needed)} of ` : ""}${bytes(plan.free_disk)} ${TEXT.estFree}`]);
    facts.push([TEXT.estCodec, `${plan.encoder}, ${plan.pixel_format[1]}`]);
  }
  const list = el("dl", {}, facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
  if (!plan.losses.length) return plan.rate ? [list, el("p", { class: "good small" }, TEXT.noLosses)] : [list];
  return [list, el("p", { class: "small" }, `${TEXT.losses}:`), el("ul", { class: "losses small" }, plan.losses.map((line) => el("li", {}, line)))];
}

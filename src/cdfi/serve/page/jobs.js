// The list of jobs: kept in step with the server by its events.

import { call } from "./api.js";
import { button, byId, el, notice } from "./dom.js";
import { bytes, duration, number, rate } from "./format.js";
import { TEXT } from "./text.js";

const UNFINISHED = ["cancelled", "failed", "interrupted"];

export class JobList {
  constructor(list, { onCompare }) {
    this.list = list;
    this.onCompare = onCompare;
    this.jobs = new Map();
    this.nodes = new Map();
    this.openWhenDone = null;
  }

  replaceAll(jobs) {
    this.jobs = new Map(jobs.map((job) => [job.id, job]));
    for (const [id, node] of this.nodes) if (!this.jobs.has(id)) this.drop(id, node);
    for (const job of jobs) this.render(job);
    this.sort();
  }

  update(job) {
    const before = this.jobs.get(job.id)?.state;
    if (job.state === "done" && before && before !== "done") notice(TEXT.finished(job.name), "info");
    this.jobs.set(job.id, job);
    this.render(job);
    this.sort();
    if (job.id === this.openWhenDone && job.state === "done") {
      this.openWhenDone = null;
      this.onCompare(job);
    }
  }

  remove(id) {
    this.jobs.delete(id);
    this.drop(id, this.nodes.get(id));
    this.sort();
  }

  drop(id, node) {
    node?.remove();
    this.nodes.delete(id);
  }

  // Put the elements into the order of the jobs, without moving those that are in place.
  sort() {
    const wanted = [...this.jobs.values()].sort((one, other) => rank(one) - rank(other) || one.order - other.order);
    wanted.forEach((job, index) => {
      const node = this.nodes.get(job.id);
      if (this.list.children[index] !== node) this.list.insertBefore(node, this.list.children[index] || null);
    });
    byId("no-jobs").hidden = this.jobs.size > 0;
    const running = wanted.find((job) => job.state === "running" && job.total);
    document.title = running ? `${Math.floor((100 * running.done) / running.total)} % \u00b7 cdfi` : "cdfi";
  }

  // Show a job. Its buttons are replaced only if its state changes: a button that is being pressed
  // must stay, and so must the keyboard's focus.
  render(job) {
    let node = this.nodes.get(job.id);
    if (!node) {
      node = el("li", { class: "card job", "data-id": job.id });
      this.nodes.set(job.id, node);
    }
    const key = `${job.state} ${job.message} ${job.total === null}`;
    if (node.dataset.key !== key) {
      node.dataset.key = key;
      node.dataset.state = job.state;
      node.replaceChildren(...this.parts(job));
    }
    this.showProgress(node, job);
  }

  parts(job) {
    const badge = el("span", { class: `badge ${job.state}` }, TEXT.states[job.state]);
    const title = el("div", { class: "row between" }, el("strong", { class: "title" }, job.preview ? `${TEXT.previewOf}: ${job.name}` : job.name), badge);
    const what = el("p", { class: "small what" }, describe(job));
    const rows = [title, what];
    if (["running", "cancelling"].includes(job.state)) rows.push(el("progress", { max: 1, "aria-label": job.name }));
    rows.push(el("p", { class: "status small" }));
    if (job.state === "running") rows.push(el("img", { class: "live", alt: TEXT.live, hidden: true }));
    if (job.message) rows.push(el("p", { class: job.state === "failed" ? "warning" : "small" }, job.message));
    if (job.warnings.length) rows.push(warnings(job.warnings));
    rows.push(el("div", { class: "row actions" }, this.actions(job)));
    rows.push(el("details", { class: "notes" }, el("summary", {}, TEXT.command), el("code", { class: "command" }, job.command)));
    return rows;
  }

  showProgress(node, job) {
    const bar = node.querySelector("progress");
    if (bar && job.total) bar.value = job.done / job.total;
    else if (bar) bar.removeAttribute("value");
    node.querySelector(".status").textContent = status(job);
    const live = node.querySelector(".live");
    if (live && job.live && live.dataset.version !== String(job.live)) {
      live.dataset.version = job.live;
      live.src = `api/jobs/${job.id}/live?v=${job.live}`;
      live.hidden = false;
    }
  }

  actions(job) {
    const act = (name, method = "POST") => () => this.send(job, name, method);
    const label = (text) => ({ "aria-label": `${text}: ${job.name}` });
    const found = [];
    if (job.state === "done") {
      if (job.in_place) found.push(el("span", { class: "good small" }, TEXT.savedBeside));
      found.push(el("a", { class: "button primary", href: `api/jobs/${job.id}/result`, download: job.download, ...label(TEXT.download) }, TEXT.download));
      if (this.onCompare) found.push(button(TEXT.compare, () => this.onCompare(job), label(TEXT.compare)));
    }
    if (["queued", "running"].includes(job.state)) found.push(button(TEXT.cancel, act("cancel"), label(TEXT.cancel)));
    if (job.state === "queued") {
      found.push(button("\u2191", () => this.moveUp(job), { class: "icon", ...label(TEXT.moveUp) }));
      found.push(button("\u2193", () => this.moveDown(job), { class: "icon", ...label(TEXT.moveDown) }));
    }
    if (UNFINISHED.includes(job.state)) {
      found.push(button(TEXT.resume, act("resume"), { class: "primary", ...label(TEXT.resume) }));
      found.push(button(TEXT.retry, act("retry"), label(TEXT.retry)));
    }
    if (!["running", "cancelling"].includes(job.state)) found.push(button(TEXT.remove, act("", "DELETE"), { class: "quiet", ...label(TEXT.remove) }));
    return found;
  }

  async send(job, name, method, body) {
    try {
      await call(`api/jobs/${job.id}${name ? `/${name}` : ""}`, { method, body });
    } catch (error) {
      notice(error.message);
    }
  }

  waiting() {
    return [...this.jobs.values()].filter((job) => job.state === "queued").sort((one, other) => one.order - other.order);
  }

  moveUp(job) {
    const waiting = this.waiting();
    const index = waiting.findIndex((other) => other.id === job.id);
    if (index > 0) this.send(job, "move", "POST", { before: waiting[index - 1].id });
  }

  moveDown(job) {
    const waiting = this.waiting();
    const index = waiting.findIndex((other) => other.id === job.id);
    if (index < waiting.length - 1) this.send(job, "move", "POST", { before: waiting[index + 2]?.id ?? null });
  }
}

// Running jobs come first, then waiting ones; the others follow, the newest first.
function rank(job) {
  if (["running", "cancelling"].includes(job.state)) return -3e9;
  return job.state === "queued" ? -2e9 : -(job.finished || 0) / 1;
}

function describe(job) {
  const { options } = job;
  const parts = [];
  if (options.slow) parts.push(`\u00d7${options.slow} ${TEXT.slower.toLowerCase()}`);
  else if (options.fps) parts.push(`${options.fps} ${TEXT.framesPerSecond}`);
  else parts.push(`\u00d7${options.factor || 2}`);
  parts.push((TEXT.models[options.model || "flow"] || [options.model])[0]);
  if (options.codec) parts.push(options.codec);
  return parts.join(" \u00b7 ");
}

function status(job) {
  if (job.state === "running") {
    if (!job.total) return `${TEXT.preparing}\u2026`;
    const parts = [`${number(job.done)} / ${number(job.total)}`];
    if (job.rate) parts.push(`${rate(job.rate)} ${TEXT.framesPerSecond}`);
    if (job.seconds_left !== null) parts.push(`${duration(job.seconds_left)} ${TEXT.left}`);
    return parts.join(" \u00b7 ");
  }
  if (job.state === "done") {
    const parts = [job.frames ? TEXT.interpolated(number(job.frames), number(job.interpolated)) : ""];
    if (job.size) parts.push(bytes(job.size));
    if (job.finished && job.started) parts.push(`${TEXT.took} ${duration(job.finished - job.started)}`);
    return parts.filter(Boolean).join(" \u00b7 ");
  }
  if (UNFINISHED.includes(job.state) && job.kept) return TEXT.kept(number(job.kept), number(job.total || 0));
  return "";
}

function warnings(lines) {
  const list = el("ul", { class: "small" }, lines.map((line) => el("li", {}, line)));
  return el("details", { class: "notes" }, el("summary", {}, `${TEXT.warnings} (${lines.length})`), list);
}

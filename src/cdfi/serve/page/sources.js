// The list of chosen sources: uploads and files of the folder, with what the reader found in them.

import { call, sourceQuery } from "./api.js";
import { button, byId, el, notice } from "./dom.js";
import { bytes, duration, number, rate } from "./format.js";
import { Scrubber } from "./scrubber.js";
import { TEXT } from "./text.js";
import { upload } from "./upload.js";

const IMAGE = /\.(png|jpe?g|tiff?|webp|bmp|ppm)$/i;

export class SourceList {
  constructor(list, onChange) {
    this.list = list;
    this.onChange = onChange;
    this.sources = [];
    this.selected = null;
  }

  get ready() {
    return this.sources.filter((source) => source.facts);
  }

  // Upload files. Several images together are one sequence.
  addFiles(files) {
    const images = files.filter((file) => IMAGE.test(file.name));
    const videos = files.filter((file) => !IMAGE.test(file.name));
    const groups = images.length > 1 ? [images, ...videos.map((file) => [file])] : files.map((file) => [file]);
    for (const group of groups) this.upload(group);
  }

  // Add what lies below the root folder.
  addPaths(paths, name) {
    const source = this.add(name, { paths });
    this.read(source);
  }

  // Add an image or a video that was uploaded before.
  addStored(id, name) {
    this.read(this.add(name, { files: [id] }));
  }

  get uploading() {
    return this.sources.some((source) => source.abort);
  }

  async upload(files) {
    const name = files.length > 2 ? `${files[0].name} + ${files.length - 1}` : files.map((file) => file.name).join(" + ");
    const source = this.add(name, { files: [] });
    source.abort = new AbortController();
    source.size = files.reduce((sum, file) => sum + file.size, 0);
    let before = 0;
    try {
      for (const file of files) {
        const onProgress = (received, waiting) => this.showUpload(source, before + received, waiting);
        source.ref.files.push(await upload(file, { onProgress, signal: source.abort.signal }));
        before += file.size;
      }
    } catch (error) {
      if (!source.abort.signal.aborted) this.fail(source, error);
      return;
    }
    source.abort = null;
    this.read(source);
  }

  add(name, ref) {
    const source = { name, ref, facts: null, status: "", node: el("li", { class: "card source" }) };
    this.sources.push(source);
    this.list.append(source.node);
    this.render(source);
    return source;
  }

  async read(source) {
    source.status = TEXT.reading;
    this.render(source);
    try {
      source.facts = await call(`api/facts?${sourceQuery(source.ref)}`);
    } catch (error) {
      this.fail(source, error);
      return;
    }
    source.status = "";
    if (!this.selected) this.selected = source;
    this.renderAll();
    this.onChange();
  }

  fail(source, error) {
    notice(`${source.name}: ${error.message}`);
    this.remove(source);
  }

  remove(source) {
    source.abort?.abort();
    this.sources = this.sources.filter((other) => other !== source);
    source.node.remove();
    if (this.selected === source) this.selected = this.ready[0] || null;
    this.renderAll();
    this.onChange();
  }

  showUpload(source, received, waiting) {
    source.received = received;
    source.status = waiting ? TEXT.uploadPaused : `${TEXT.uploading}: ${bytes(received)} / ${bytes(source.size)}`;
    const bar = source.node.querySelector("progress");
    if (!bar) return this.render(source);
    bar.value = received / source.size;
    source.node.querySelector(".status").textContent = source.status;
  }

  renderAll() {
    for (const source of this.sources) this.render(source);
  }

  render(source) {
    const { node, facts } = source;
    const selected = source === this.selected;
    node.classList.toggle("selected", selected);
    const title = facts
      ? button(source.name, () => { this.selected = source; this.renderAll(); this.onChange(); }, { class: "title", "aria-pressed": String(selected) })
      : el("strong", { class: "title" }, source.name);
    const remove = button("\u00d7", () => this.remove(source), { class: "quiet icon", "aria-label": `${TEXT.removeSource}: ${source.name}` });
    const rows = [el("div", { class: "row between" }, title, remove)];
    if (facts) rows.push(...this.factRows(source));
    else rows.push(el("p", { class: "status small" }, source.status));
    if (source.abort) rows.push(el("progress", { max: 1, value: (source.received || 0) / (source.size || 1), "aria-label": TEXT.uploading }));
    node.replaceChildren(...rows);
  }

  factRows(source) {
    const { facts } = source;
    const rows = [el("p", { class: "facts" }, factTags(facts).map((text) => el("span", {}, text)))];
    if (facts.kind === "video") {
      source.scrubber ||= new Scrubber(source, this.onChange);
      rows.push(source.scrubber.node);
    }
    for (const line of facts.warnings) rows.push(el("p", { class: "warning small" }, line));
    return rows;
  }
}

// Return short texts about a source.
function factTags(facts) {
  const size = `${facts.size[0]} \u00d7 ${facts.size[1]}`;
  if (facts.kind !== "video") return [size, `${number(facts.count)} ${TEXT.images}`];
  const kinds = facts.streams.filter((stream) => stream.type === "audio").map((stream) => stream.codec);
  const subtitles = facts.streams.filter((stream) => stream.type === "subtitle").length;
  return [
    size,
    `${rate(facts.rate)} ${TEXT.constantRate}${facts.variable ? `, ${TEXT.variableRate}` : ""}`,
    duration(facts.duration),
    `${number(facts.frames)} ${TEXT.frames}`,
    facts.dynamic_range === "SDR" ? `${facts.bits} bit` : `${facts.dynamic_range}, ${facts.bits} bit`,
    facts.turned ? TEXT.turned : null,
    kinds.length ? `${TEXT.sound}: ${kinds.join(", ")}` : TEXT.noSound,
    subtitles ? `${subtitles} ${TEXT.subtitles}` : null,
  ].filter(Boolean);
}

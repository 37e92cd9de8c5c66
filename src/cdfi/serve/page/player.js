// The comparison: one video holds the source above the result; a canvas shows both.

import { el } from "./dom.js";

const FASTEST_ZOOM = 12;
const GRIP = 28; // pixels beside the divider within which it is dragged

export class Player {
  constructor(onFrame) {
    this.onFrame = onFrame;
    this.video = el("video", { muted: true, loop: true, playsInline: true, preload: "auto" });
    this.canvas = el("canvas", { class: "screen", tabIndex: 0 });
    this.view = "slider";
    this.split = 0.5;
    this.frame = 0;
    this.resetZoom();
    this.video.addEventListener("seeked", () => this.draw());
    this.video.addEventListener("loadeddata", () => this.draw());
    this.follow();
    this.setUpPointer();
  }

  // Show a comparison: url of the video, and the server's record of its frames.
  async load(url, record) {
    this.record = record;
    this.video.src = url;
    await new Promise((resolve, reject) => {
      this.video.addEventListener("loadeddata", resolve, { once: true });
      this.video.addEventListener("error", () => reject(new Error(this.video.error?.message || "")), { once: true });
    });
    this.resize();
    await this.show(0);
  }

  close() {
    this.video.pause();
    this.video.removeAttribute("src");
    this.video.load();
  }

  // Draw each frame that the video presents.
  follow() {
    const draw = (_, metadata) => {
      if (this.record) {
        this.frame = this.indexAt(metadata.mediaTime);
        this.draw();
      }
      this.video.requestVideoFrameCallback(draw);
    };
    this.video.requestVideoFrameCallback(draw);
  }

  indexAt(seconds) {
    const { times } = this.record;
    let index = 0;
    while (index + 1 < times.length && times[index + 1] <= seconds + 1e-4) index += 1;
    return index;
  }

  // Show one frame, and wait until it is there.
  async show(index) {
    const { times } = this.record;
    this.video.pause();
    this.frame = Math.min(Math.max(index, 0), times.length - 1);
    const next = times[this.frame + 1] ?? times[this.frame] + 0.01;
    const seeked = new Promise((resolve) => this.video.addEventListener("seeked", resolve, { once: true }));
    this.video.currentTime = (times[this.frame] + next) / 2;
    await seeked;
    this.draw();
  }

  step(count) {
    return this.show(this.frame + count);
  }

  toggle() {
    if (this.video.paused) this.video.play();
    else this.video.pause();
  }

  set(changes) {
    Object.assign(this, changes);
    this.resize();
    this.draw();
  }

  resetZoom() {
    this.zoom = 1;
    this.centre = [0.5, 0.5];
  }

  // Side by side, the canvas is twice as wide.
  resize() {
    const [width, height] = this.record.size;
    const across = this.view === "side" ? 2 * width : width;
    if (this.canvas.width !== across) this.canvas.width = across;
    if (this.canvas.height !== height) this.canvas.height = height;
    this.canvas.parentElement.style.setProperty("--ratio", across / height);
  }

  draw() {
    if (!this.record || this.video.readyState < 2) return;
    const context = this.canvas.getContext("2d", { willReadFrequently: true });
    const [width, height] = this.record.size;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalCompositeOperation = "source-over";
    context.filter = "none";
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    VIEWS[this.view](this, context, width, height);
    this.onFrame(this);
  }

  // Draw one half of the video into a rectangle; 0 is the source, 1 the result.
  half(context, which, left, across) {
    const [width, height] = this.record.size;
    const [w, h] = [width / this.zoom, height / this.zoom];
    const x = Math.min(Math.max(this.centre[0] * width - w / 2, 0), width - w);
    const y = Math.min(Math.max(this.centre[1] * height - h / 2, 0), height - h);
    const part = across / width;
    const from = (left % width) / width;
    context.drawImage(this.video, x + from * w, which * height + y, part * w, h, left, 0, across, height);
  }

  setUpPointer() {
    const { canvas } = this;
    let drag = null;
    canvas.addEventListener("pointerdown", (event) => {
      const position = this.positionOf(event);
      const near = Math.abs(position[0] - this.split) * canvas.clientWidth < GRIP;
      drag = this.view === "slider" && (near || this.zoom === 1) ? "split" : "pan";
      canvas.setPointerCapture(event.pointerId);
      if (drag === "split") this.set({ split: clamp(position[0]) });
    });
    canvas.addEventListener("pointermove", (event) => {
      if (drag === "split") this.set({ split: clamp(this.positionOf(event)[0]) });
      else if (drag === "pan") this.pan(-event.movementX / canvas.clientWidth, -event.movementY / canvas.clientHeight);
    });
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { drag = null; });
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.setZoom(this.zoom * Math.exp(-event.deltaY / 400));
    }, { passive: false });
  }

  pan(x, y) {
    const room = 0.5 / this.zoom;
    this.centre = [x, y].map((move, axis) => Math.min(Math.max(this.centre[axis] + move / this.zoom, room), 1 - room));
    this.draw();
  }

  setZoom(zoom) {
    this.zoom = Math.min(Math.max(zoom, 1), FASTEST_ZOOM);
    this.pan(0, 0);
  }

  // Return where a pointer is, from 0 to 1 in both directions.
  positionOf(event) {
    const box = this.canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }
}

const VIEWS = {
  slider(player, context, width, height) {
    const edge = Math.round(player.split * width);
    if (edge > 0) player.half(context, 0, 0, edge);
    if (edge < width) player.half(context, 1, edge, width - edge);
    context.fillStyle = "#fff";
    context.shadowColor = "#000";
    context.shadowBlur = 6;
    context.fillRect(edge - 1, 0, 2, height);
    context.shadowBlur = 0;
  },
  side(player, context, width) {
    player.half(context, 0, 0, width);
    context.translate(width, 0);
    player.half(context, 1, 0, width);
  },
  difference(player, context, width) {
    player.half(context, 0, 0, width);
    context.globalCompositeOperation = "difference";
    player.half(context, 1, 0, width);
    context.globalCompositeOperation = "source-over";
    context.filter = "brightness(4)";
    context.drawImage(player.canvas, 0, 0);
    context.filter = "none";
  },
};

function clamp(value) {
  return Math.min(Math.max(value, 0), 1);
}

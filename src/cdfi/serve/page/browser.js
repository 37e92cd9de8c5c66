// The dialog that lists the folder which the server was started with.

import { call } from "./api.js";
import { button, byId, el, notice } from "./dom.js";
import { bytes } from "./format.js";
import { TEXT } from "./text.js";

// Open the dialog; onChoose(paths, name) is called for what is chosen.
export function openBrowser(onChoose) {
  const dialog = byId("browser");
  dialog.showModal();
  showFolder(dialog, "", (paths, name) => {
    onChoose(paths, name);
    dialog.close();
  });
}

async function showFolder(dialog, path, onChoose) {
  let entries;
  try {
    entries = await call(`api/browse?${new URLSearchParams({ path })}`);
  } catch (error) {
    notice(error.message);
    dialog.close();
    return;
  }
  const open = (target) => showFolder(dialog, target, onChoose);
  const images = entries.filter((entry) => entry.kind === "image");
  const whole = path && images.length > 1 ? button(`${TEXT.useFolder} (${images.length})`, () => onChoose([path], path.split("/").pop()), { class: "primary" }) : null;
  const rows = entries.map((entry) => el("li", {}, row(entry, open, onChoose)));
  dialog.replaceChildren(
    el("div", { class: "row between" }, el("h2", { id: "browser-title" }, TEXT.browserTitle), button(TEXT.close, () => dialog.close())),
    crumbs(path, open),
    rows.length ? el("ul", { class: "entries" }, rows) : el("p", { class: "empty" }, TEXT.emptyFolder),
    whole || "",
  );
}

function row(entry, open, onChoose) {
  const choose = entry.kind === "folder" ? () => open(entry.path) : () => onChoose([entry.path], entry.name);
  const size = entry.kind === "folder" ? "" : bytes(entry.size);
  return el("button", { type: "button", class: `entry ${entry.kind}`, onclick: choose }, el("span", {}, entry.name), el("small", {}, size));
}

function crumbs(path, open) {
  const parts = path ? path.split("/") : [];
  const links = parts.map((part, index) => button(part, () => open(parts.slice(0, index + 1).join("/")), { class: "quiet" }));
  return el("nav", { class: "crumbs", "aria-label": TEXT.rootName }, button(TEXT.rootName, () => open(""), { class: "quiet" }), ...links);
}

// The files that were uploaded before: they can be used again, or removed from the disk.

import { call } from "./api.js";
import { button, byId, el, notice } from "./dom.js";
import { bytes } from "./format.js";
import { TEXT } from "./text.js";

// Show the list; onUse(id, name) is called for a file that is used again.
export async function showStored(onUse) {
  const node = byId("stored");
  let files;
  try {
    files = (await call("api/files")).filter((file) => file.complete);
  } catch {
    return;
  }
  node.hidden = files.length === 0;
  const total = files.reduce((sum, file) => sum + file.size, 0);
  const open = node.querySelector("details")?.open || false;
  const rows = files.reverse().map((file) => row(file, onUse));
  const details = el("details", { open }, el("summary", {}, `${TEXT.stored} (${files.length}, ${bytes(total)})`), el("ul", { class: "stored" }, rows));
  node.replaceChildren(details);
}

function row(file, onUse) {
  const remove = async () => {
    try {
      await call(`api/files/${file.id}`, { method: "DELETE" });
    } catch (error) {
      notice(error.message);
    }
    showStored(onUse);
  };
  return el("li", { class: "row between" }, el("span", {}, file.name, " ", el("small", {}, bytes(file.size))),
    el("span", { class: "row" },
      button(TEXT.use, () => onUse(file.id, file.name), { class: "tag", "aria-label": `${TEXT.use}: ${file.name}` }),
      button(TEXT.remove, remove, { class: "tag", "aria-label": `${TEXT.remove}: ${file.name}` })));
}

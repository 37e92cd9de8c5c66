// Small functions that make elements. Text is always set as text, never as HTML.

// Return an element. Properties that begin with "on" are listeners, "class" and names with a dash
// are attributes, the others are properties.
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class" || name === "for" || name === "list" || name.includes("-")) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

export function byId(id) {
  return document.getElementById(id);
}

// Return a button with a text, and optionally a longer label for screen readers.
export function button(text, onclick, properties = {}) {
  return el("button", { type: "button", onclick, ...properties }, text);
}

// Show a message for a few seconds, errors until they are closed.
export function notice(text, kind = "error") {
  const row = el("p", { class: `notice ${kind}` }, text);
  const close = () => row.remove();
  row.append(button("\u00d7", close, { class: "quiet icon", "aria-label": "Close" }));
  byId("notices").append(row);
  setTimeout(close, kind === "error" ? 12000 : 5000);
}

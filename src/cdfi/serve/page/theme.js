// Light and dark colours: the system's choice, unless the button chose one.

import { TEXT } from "./text.js";

const MEMORY = "cdfi-theme";

export function setUpTheme(button) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (document.documentElement.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
  const show = () => {
    button.textContent = isDark() ? "\u2600" : "\u263e";
    button.setAttribute("aria-label", isDark() ? TEXT.themeToLight : TEXT.themeToDark);
  };
  const chosen = localStorage.getItem(MEMORY);
  if (chosen) document.documentElement.dataset.theme = chosen;
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    localStorage.setItem(MEMORY, document.documentElement.dataset.theme);
    show();
  });
  system.addEventListener("change", show);
  show();
}

// Before anything is painted: the theme and the way of times that the reader chose. A theme of `system` follows it.
(() => {
  const root = document.documentElement.dataset;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const kept = (name, values) => {
    try {
      const value = localStorage.getItem(`agnes-${name}`);
      return values.includes(value) ? value : values[0];
    } catch {
      return values[0]; // a browser that remembers nothing
    }
  };
  const THEMES = ["system", "light", "dark"];
  let chosen = kept("theme", THEMES);
  const show = () => {
    root.theme = chosen === "system" ? (dark.matches ? "dark" : "light") : chosen;
    root.themeChoice = chosen;
    for (const button of document.querySelectorAll("[data-theme-set]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeSet === chosen));
    }
  };
  show();
  root.times = kept("times", ["utc", "local", "relative"]);
  dark.addEventListener("change", show);
  document.addEventListener("DOMContentLoaded", show);
  addEventListener("storage", (event) => {
    if (event.key !== "agnes-theme") return;
    chosen = kept("theme", THEMES);
    show();
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-theme-set]");
    if (!button) return;
    chosen = button.dataset.themeSet;
    try { localStorage.setItem("agnes-theme", chosen); } catch { /* for this page, then */ }
    show();
  });
})();

// Before anything is painted: the theme the reader chose, else the system's.
(() => {
  const chosen = localStorage.getItem("agnes-theme") || "system";
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const show = () => {
    const theme = localStorage.getItem("agnes-theme") || "system";
    document.documentElement.dataset.theme = theme === "system" ? (dark.matches ? "dark" : "light") : theme;
    document.documentElement.dataset.themeChoice = theme;
  };
  show();
  dark.addEventListener("change", show);
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-theme-switch]")) return;
    const order = ["system", "light", "dark"];
    const at = order.indexOf(localStorage.getItem("agnes-theme") || chosen);
    localStorage.setItem("agnes-theme", order[(at + 1) % order.length]);
    show();
  });
})();

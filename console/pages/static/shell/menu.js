// Every `details.menu`: one open at a time; Esc, a choice, a click beside it close it; arrows move inside it.
// A link or button with `data-stay` leaves it open.
{
  const CONTROLS = "a[href], button:not(:disabled), input:not([type=hidden]), select, textarea";
  const open = () => document.querySelectorAll("details.menu[open]");
  const close = (menu, focus) => {
    menu.open = false;
    if (focus) menu.querySelector("summary").focus();
  };
  const controls = (menu) => [...menu.querySelectorAll(CONTROLS)].filter((one) => one.getClientRects().length > 0);

  // Never beyond the edge of the window, on the left or on the right.
  const fit = (menu) => {
    const sheet = menu.querySelector(":scope > .sheet");
    if (!sheet) return;
    sheet.style.translate = "";
    const { left, right } = sheet.getBoundingClientRect();
    const room = document.documentElement.clientWidth - 8;
    const by = right > room ? Math.max(room - right, 8 - left) : Math.max(8 - left, 0);
    if (by) sheet.style.translate = `${by}px`;
  };

  document.addEventListener("toggle", (event) => {
    const menu = event.target;
    if (!menu.matches?.("details.menu") || !menu.open) return;
    for (const other of open()) if (!other.contains(menu) && other !== menu) close(other);
    fit(menu);
  }, true);
  addEventListener("resize", () => open().forEach(fit));
  document.addEventListener("agnes:shown", () => open().forEach(fit)); // a patch takes what the server does not know

  document.addEventListener("click", (event) => {
    for (const menu of open()) {
      if (!menu.contains(event.target)) close(menu);
      else if (event.target.closest(".sheet a[href]") && !event.target.closest("[data-stay]")) close(menu);
    }
  });
  document.addEventListener("submit", (event) => {
    const menu = (event.submitter ?? event.target).closest("details.menu");
    if (menu && !event.submitter?.closest("[data-stay]")) close(menu);
  });
  document.addEventListener("focusin", (event) => {
    for (const menu of open()) if (!menu.contains(event.target)) close(menu);
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.target.closest?.("details.menu") ?? open()[0];
    if (!menu || event.defaultPrevented || event.isComposing) return;
    if (event.key === "Escape" && menu.open) {
      close(menu, true);
      event.preventDefault();
    }
    const step = { ArrowDown: 1, ArrowUp: -1, Home: 0, End: 0 }[event.key];
    if (step === undefined || event.ctrlKey || event.altKey || event.metaKey || !menu.contains(event.target)) return;
    if (event.target.matches("textarea, select, input:not([type=checkbox], [type=radio])")) return; // there they mean something else
    if (!menu.open && event.key !== "ArrowDown") return;
    event.preventDefault();
    menu.open = true;
    const all = controls(menu);
    const at = all.indexOf(event.target);
    const next = event.key === "Home" ? 0 : event.key === "End" ? all.length - 1 : at < 0 && step < 0 ? all.length - 1 : at + step;
    all[(next + all.length) % all.length]?.focus();
  });

  // The page's menu is open where it stands beside the page, and folded where it stands above it.
  const places = document.querySelector("nav > details");
  const narrow = matchMedia("(max-width: 760px)");
  narrow.addEventListener("change", () => (places.open = !narrow.matches));
  if (places && !narrow.matches) places.open = true; // the window was made wide while the page loaded
  document.addEventListener("click", (event) => {
    if (narrow.matches && places?.open && !places.contains(event.target)) places.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || !narrow.matches || !places?.open) return;
    event.preventDefault();
    close(places, true);
  });
}

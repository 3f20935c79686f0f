// The browser's half of console/pages/live.py: sends where the reader wants to go, patches what comes back.
// Links and forms inside [data-live] are taken over; all others, and every click with a modifier key, are the browser's.

const regions = () => document.querySelectorAll("[data-region]");

const controls = (region) => [...region.querySelectorAll("a[href], button, input, select")];

function remember(region) {
  const at = document.activeElement;
  if (!at || !region.contains(at)) return null;
  const key = at.id ? `#${CSS.escape(at.id)}` : at.name ? `[name="${CSS.escape(at.name)}"]` : null;
  return { key, index: controls(region).indexOf(at), start: at.selectionStart, end: at.selectionEnd };
}

function patch(region, html) {
  if (region.innerHTML === html) return;
  const focus = remember(region);
  region.innerHTML = html;
  const again = focus && (focus.key ? region.querySelector(focus.key) : controls(region)[focus.index]);
  if (again) {
    again.focus({ preventScroll: true });
    if (focus.start != null && again.setSelectionRange) again.setSelectionRange(focus.start, focus.end);
  }
}

function query(form) {
  const given = [...new FormData(form)].filter(([, value]) => value !== "");
  return "?" + new URLSearchParams(given);
}

export function render({ model, view }) {
  let waiting = null; // where the reader wants to go, until it is shown
  let turned = false; // the reader turned a page: show it from its first row
  let lost = false; // without a connection every link and form is the browser's again
  const wait = (search) => {
    waiting = search;
    document.body.toggleAttribute("aria-busy", search !== null);
  };
  const go = (search, push = true) => {
    if (lost) return location.assign(location.pathname + search);
    wait(search);
    model.send_msg({ go: search, push });
  };
  view.model.document.on_event("connection_lost", () => {
    lost = true;
    delete document.body.dataset.live;
    if (waiting !== null) go(waiting);
  });

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-live] a[href]");
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const to = new URL(link.href);
    if (to.origin !== location.origin || to.pathname !== location.pathname || link.target || link.hasAttribute("download")) return;
    event.preventDefault();
    turned = link.closest(".pager") !== null;
    go(to.search || "?");
  });
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("[data-live] form[method=get], form[data-live][method=get]");
    if (!form || new URL(form.action).pathname !== location.pathname) return;
    event.preventDefault();
    go(query(form));
  });
  document.addEventListener("change", (event) => {
    const form = event.target.form;
    if (form && event.target.matches("select, input[type=checkbox]") && form.matches("[data-live] form, form[data-live]")) form.requestSubmit();
  });
  window.addEventListener("popstate", () => go(location.search || "?", false));

  model.on("regions", () => {
    for (const region of regions()) {
      const html = model.regions[region.dataset.region];
      if (html !== undefined) patch(region, html);
    }
    if (turned) document.querySelector("[data-region=rows]")?.scrollIntoView();
    turned = false;
    wait(null);
  });
  model.on("address", () => {
    if (model.push && location.pathname + location.search !== model.address) history.pushState(null, "", model.address);
  });
  document.body.dataset.live = "true";
  return document.createElement("span");
}

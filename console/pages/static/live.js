// The browser's half of console/pages/live.py: sends where the reader wants to go, patches what comes back.
// Links and forms inside [data-live] are taken over; all others, and every click with a modifier key, are the browser's.
// Says `agnes:shown` after each patch, `agnes:lost` when the connection is gone, `agnes:slow` when no answer comes.

const SLOW = 10_000; // milliseconds without an answer, after which somebody should look at the connection

const regions = () => document.querySelectorAll("[data-region]");

function query(form) {
  const given = [...new FormData(form)].filter(([, value]) => value !== "");
  return "?" + new URLSearchParams(given);
}

export function render({ model, view }) {
  let waiting = null; // where the reader wants to go, until it is shown
  let step = 0; // the number of what was asked for last
  let turned = null; // the region that the reader wants to see from its beginning
  let clock = null; // until the page asks again by itself
  let lost = false; // without a connection every link and form is the browser's again
  let slow = null; // until the reader has waited for long
  let typed = null; // the field with the focus and its text when the reader went
  const ask = (what) => model.send_msg({ ...what, step: ++step });
  const wait = (search) => {
    waiting = search;
    clearTimeout(slow);
    if (search !== null) slow = setTimeout(() => document.dispatchEvent(new CustomEvent("agnes:slow")), SLOW);
    document.body.toggleAttribute("aria-busy", search !== null);
  };
  const go = (search, push = true) => {
    if (lost) return location.assign(location.pathname + search);
    wait(search);
    typed = { at: document.activeElement, value: document.activeElement?.value };
    ask({ go: search, push });
  };
  // A page whose state changes by itself says in `data-again` after how many milliseconds it is to be asked again.
  // Where the reader has switched that off (`data-auto`), it is not. `data-beside` is a part of the question that is no
  // part of the address: what stands on the page already.
  const AGAIN = "[data-again]:not([data-auto=off] [data-auto])";
  const again = () => {
    clearTimeout(clock);
    const after = document.querySelector(AGAIN)?.dataset.again;
    if (after) clock = setTimeout(() => document.querySelector(AGAIN) && beat(), after);
  };
  const beat = () => {
    clearTimeout(clock);
    if (lost || waiting !== null || document.hidden) return; // each of these ends with a beat or an answer
    const beside = document.querySelector("[data-beside]")?.dataset.beside;
    ask({ go: "?" + [location.search.slice(1), beside].filter(Boolean).join("&"), push: false, beat: true });
  };
  // What was done is said in passing; what went wrong stays on the page.
  const tell = (html) => {
    const said = document.createElement("template");
    said.innerHTML = html;
    const done = said.content.querySelector(".said");
    if (done) {
      const line = document.createDocumentFragment(); // without its frame: a toast has its own, and its own role
      line.append(...done.childNodes);
      agnes.toast(line);
    }
    agnes.patch(document.querySelector("[data-region=notice]"), done ? "" : html, { fresh: true });
    return done !== null;
  };
  const act = async (form, button) => {
    let done = false;
    const given = new FormData(form, button);
    wait(location.search);
    try {
      const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(given), headers: { Accept: "text/x-notice" } });
      if (!answer.headers.get("Content-Type")?.startsWith("text/plain")) return agnes.again(); // somebody else answers
      done = tell(await answer.text());
    } catch {
      agnes.toast("The server did not answer. Look what became of it before you try again.", "bad");
      return document.dispatchEvent(new CustomEvent("agnes:slow"));
    } finally {
      wait(null);
    }
    if (!done) return beat();
    form.reset();
    ask({ go: location.search || "?", push: false }); // all of the page may have changed
  };
  view.model.document.on_event("connection_lost", () => {
    lost = true;
    delete document.body.dataset.live;
    document.dispatchEvent(new CustomEvent("agnes:lost", { detail: waiting }));
    wait(null);
  });

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-live] a[href]");
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const to = new URL(link.href);
    if (to.origin !== location.origin || to.pathname !== location.pathname || link.target || link.hasAttribute("download")) return;
    if (to.hash && to.search === location.search) return; // a place on this page
    event.preventDefault();
    turned = link.dataset.show ?? (link.closest(".pager") && "rows");
    go(to.search || "?");
  });
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("[data-live] form[method=get], form[data-live][method=get]");
    if (!form || new URL(form.action).pathname !== location.pathname) return;
    event.preventDefault();
    go(query(form));
  });
  document.addEventListener("submit", (event) => {
    if (lost || !event.target.matches("[data-live] form[method=post]:not([data-leaves])")) return;
    event.preventDefault();
    if (waiting === null) act(event.target, event.submitter);
  });
  // "Run now" becomes "Cancel" in the same place: the second half of a double click, or a key held down, is not meant.
  const twice = (event) => (event.detail > 1 || event.repeat) && event.target.closest?.("[data-live] button[form]") && event.preventDefault();
  document.addEventListener("click", twice);
  document.addEventListener("keydown", twice);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && document.querySelector(AGAIN)) beat();
  });
  document.addEventListener("change", (event) => {
    const form = event.target.form;
    if (form?.method === "get" && event.target.matches("select, input[type=checkbox]") && form.matches("[data-live] form, form[data-live]")) form.requestSubmit();
  });
  document.addEventListener("agnes:go", (event) => {
    if (lost) return;
    event.preventDefault();
    go(event.detail.search || "?", event.detail.push);
  });
  window.addEventListener("popstate", () => go(location.search || "?", false));

  model.on("regions", () => {
    if (Number(model.regions.step) !== step) return; // the reader has gone on; that will be answered, too
    const fresh = waiting !== null; // else the page has asked by itself
    const typing = fresh && typed?.at === document.activeElement && typed.at.value !== typed.value ? typed.at : null;
    for (const region of regions()) {
      const html = model.regions[region.dataset.region];
      if (html !== undefined) agnes.patch(region, html, { fresh, typing });
    }
    const shown = turned && document.querySelector(`[data-region=${turned}]`);
    const top = shown?.getBoundingClientRect().top;
    if (top < 0 || top > innerHeight / 2) shown.scrollIntoView();
    shown?.querySelector("[tabindex='-1']")?.focus({ preventScroll: true });
    turned = null;
    wait(null);
    again();
    document.dispatchEvent(new CustomEvent("agnes:shown"));
  });
  // `push` comes with the address, and may come after it.
  model.on("address", () => queueMicrotask(() => {
    if (model.push && location.pathname + location.search !== model.address) history.pushState(null, "", model.address);
  }));
  if (document.querySelector("[data-later]")) beat(); // what the first paint left out
  again();
  document.body.dataset.live = "true";
  return document.createElement("span");
}

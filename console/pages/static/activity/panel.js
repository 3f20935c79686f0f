// The side panel: focus when it opens, what is copied, what is remembered, and its two forms.
{
  const region = () => document.querySelector("[data-region=panel]");
  const event = () => region()?.querySelector("[data-event]")?.dataset.event;
  const narrow = matchMedia("(max-width: 1100px)");

  // Who opens it with the keyboard, or where it covers the list, goes on reading in it. Who walks along the list stays there.
  let open = event();
  let entered = 0;
  document.addEventListener("keydown", (key) => {
    if (key.key === "Enter" && !region()?.contains(key.target)) entered = performance.now();
  }, true);
  agnes.shown(() => {
    for (const details of document.querySelectorAll("[data-kept]")) details.open = agnes.kept(details.dataset.kept) === "open";
    const now = event();
    const opens = now !== undefined && open === undefined;
    if (opens && (narrow.matches || performance.now() - entered < 3000)) region().querySelector("#event").focus({ preventScroll: true });
    if (now !== open) region()?.scrollTo(0, 0);
    open = now;
  });

  document.addEventListener("click", (click) => {
    const summary = click.target.closest("[data-kept] > summary");
    if (summary) {
      const { parentElement: details } = summary;
      agnes.kept(details.dataset.kept, details.open ? "shut" : "open"); // it turns after the click
      for (const other of document.querySelectorAll(`[data-kept="${details.dataset.kept}"]`)) if (other !== details) other.open = !details.open;
    }
    const button = click.target.closest("[data-copy-from], [data-copy-link]");
    if (button) copy(button);
  });

  // navigator.clipboard is missing on plain http: then an old way, which every browser knows.
  async function copy(button) {
    const text = button.dataset.copyLink ? new URL(button.dataset.copyLink, location.href).href : document.getElementById(button.dataset.copyFrom).textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      button.focus();
    }
    agnes.toast("Copied.");
  }

  // Its answers belong into the panel, not above the page, so they are not live.js's.
  document.addEventListener("submit", (submit) => {
    if (submit.target.id !== "event-act" || !document.body.dataset.live) return;
    submit.preventDefault();
    submit.stopPropagation();
    send(submit.target, submit.submitter);
  }, true);

  let sending = false;
  async function send(form, button) {
    if (sending) return;
    sending = true;
    const told = region().querySelector("[data-told]");
    const about = event();
    try {
      const body = new URLSearchParams(new FormData(form, button));
      const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "text/x-notice" } });
      if (!answer.headers.get("Content-Type")?.startsWith("text/plain")) return agnes.again ? agnes.again() : location.reload(); // signed out, or somebody else answers
      const html = await answer.text();
      if (event() !== about) return; // the reader has gone on
      if (!answer.ok) told.innerHTML = html; // rendered and escaped by the server, as all regions are
      else if (button.name === "undo") done(html, answer.headers.get("Content-Location"));
      else reveal(html);
    } catch {
      agnes.toast("The server did not answer. Look what became of it before you try again.", "bad");
    } finally {
      sending = false;
    }
  }

  function reveal(html) {
    region().querySelector("[data-contents]").innerHTML = html;
    region().querySelector(".reveal").remove();
    region().querySelector("#event").focus({ preventScroll: true });
  }

  function done(text, where) {
    agnes.toast(text);
    agnes.go(new URL(where, location.href).search);
  }
}

// The tables: rows by keyboard, and the forms, whose refusals stand beside the field that they are about.
{
  agnes.rows({ row: ".tables tbody tr", list: ".tables", noun: "table" });
  if (location.hash === "#internal") agnes.go("?tab=internal", false); // as other pages and old links call it

  const tell = (form, html) => {
    const said = document.createElement("template");
    said.innerHTML = html; // rendered and escaped by the server, as all regions are
    const name = said.content.firstElementChild?.dataset.field ?? "";
    const field = [...form.elements].find((one) => one.name === name && one.type !== "hidden");
    const place = document.querySelector(`[data-told="${CSS.escape(name)}"]`) ?? document.querySelector(`[data-told="${form.id}"]`);
    place.replaceChildren(said.content);
    field?.setAttribute("aria-invalid", "true");
    field?.focus();
    place.scrollIntoView({ block: "nearest" });
  };

  let sending = false;
  const send = async (form, button) => {
    if (sending) return;
    sending = true;
    button?.setAttribute("aria-busy", "true");
    for (const place of document.querySelectorAll("[data-told]")) place.replaceChildren();
    for (const field of form.elements) field.removeAttribute("aria-invalid");
    try {
      const body = new URLSearchParams(new FormData(form, button));
      const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "text/x-notice" } });
      if (!answer.headers.get("Content-Type")?.startsWith("text/plain")) return agnes.again(); // somebody else answers
      const text = await answer.text();
      if (!answer.ok) return tell(form, text);
      agnes.toast(text);
      agnes.go(new URL(answer.headers.get("Content-Location"), location.href).search);
    } catch {
      agnes.toast("The server did not answer. Look what became of it before you try again.", "bad");
    } finally {
      sending = false;
      button?.removeAttribute("aria-busy");
    }
  };
  document.addEventListener("submit", (event) => {
    if (!event.target.id.startsWith("table-") || !document.body.dataset.live) return;
    event.preventDefault();
    event.stopImmediatePropagation(); // live.js would take a refusal for a notice of the page
    send(event.target, event.submitter);
  }, true);

  // Who opens a form goes on in it, as who asks what undoing would do goes on reading that.
  const opens = () => document.querySelector("[data-opens]");
  let open = opens()?.dataset.opens;
  agnes.shown(() => {
    const now = opens();
    if (now && now.dataset.opens !== open) {
      const first = [...now.querySelectorAll("input, select, textarea, button")].find((one) => one.type !== "hidden");
      (now.matches(".tried") ? now : first)?.focus();
    }
    open = now?.dataset.opens;
  });
}

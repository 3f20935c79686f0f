// The forms of users & access: sent without a load. A refusal stands beside the field that it is about; what was done is
// a notice that the page itself draws; what is shown once stays until the reader closes it.
{
  const key = (form) => form.id.replace("access-", "");
  const parsed = (html) => {
    const part = document.createElement("template");
    part.innerHTML = html; // rendered and escaped by the server, as all regions are
    return part.content;
  };
  const tell = (form, html) => {
    const said = parsed(html);
    const name = said.firstElementChild?.dataset.field ?? "";
    const field = [...form.elements].find((one) => one.name === name && !["hidden", "submit"].includes(one.type));
    const place = document.querySelector(`[data-told="${CSS.escape(`${key(form)}.${name}`)}"]`)
      ?? document.querySelector(`[data-told="${CSS.escape(key(form))}"]`)
      ?? document.querySelector("[data-told=act], [data-region=notice]");
    place.replaceChildren(said);
    field?.setAttribute("aria-invalid", "true");
    field?.focus();
    place.scrollIntoView({ block: "nearest" });
  };
  const once = (part) => {
    const place = document.querySelector("[data-once]");
    if (!part || !place) return;
    place.replaceChildren(part);
    part.querySelector("input").select();
    part.querySelector("input").focus();
  };
  const done = (form, answer, html) => {
    const said = parsed(html);
    const told = said.querySelector("[data-said]");
    if (told) agnes.toast(told.textContent);
    once(said.querySelector(".once"));
    form.reset();
    const to = new URL(answer.headers.get("Content-Location"), location.href);
    if (to.pathname !== location.pathname) location.assign(to);
    else agnes.go(to.search || "?");
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
      const html = await answer.text();
      if (answer.ok) done(form, answer, html);
      else tell(form, html);
    } catch {
      agnes.toast("The server did not answer. Look what became of it before you try again.", "bad");
    } finally {
      sending = false;
      button?.removeAttribute("aria-busy");
    }
  };
  document.addEventListener("submit", (event) => {
    if (!event.target.id?.startsWith("access-") || !document.body.dataset.live) return;
    event.preventDefault();
    event.stopImmediatePropagation(); // live.js would take a refusal for a notice of the page
    send(event.target, event.submitter);
  }, true);
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-over]")) return;
    document.querySelector("[data-once]").replaceChildren();
    document.getElementById("main").focus({ preventScroll: true });
  });
  agnes.key("Escape", "Leave the form", () => {
    const leave = document.querySelector("[data-leave]");
    return leave ? leave.click() : false;
  }, { typing: true });

  // Who opens a form goes on in it.
  const opens = () => document.querySelector("[data-opens]");
  let open = opens()?.dataset.opens;
  agnes.shown(() => {
    const now = opens();
    if (now && now.dataset.opens !== open) [...now.querySelectorAll("input, button")].find((one) => one.type !== "hidden")?.focus();
    open = now?.dataset.opens;
  });
}

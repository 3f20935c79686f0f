// Forms with `data-tells`: what was done is said in passing, what was refused stays in #told, and the fields as they are.
// Says `agnes:done` on a form that has done what it was asked.
{
  let sending = false;
  const send = async (form, by) => {
    if (sending) return;
    sending = true;
    by?.setAttribute("aria-busy", "true");
    try {
      const body = form.enctype === "multipart/form-data" ? new FormData(form, by) : new URLSearchParams(new FormData(form, by));
      const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "text/x-notice" } });
      if (!answer.headers.get("Content-Type")?.startsWith("text/plain")) return agnes.again(); // somebody else answers
      const said = document.createElement("template");
      said.innerHTML = await answer.text(); // rendered and escaped by the server, as all regions are
      const done = said.content.querySelector(".said");
      if (!done) {
        const place = document.getElementById("told") ?? document.querySelector("[data-region=notice]");
        place.replaceChildren(said.content);
        place.scrollIntoView({ block: "nearest" });
        return;
      }
      agnes.toast(done.textContent.trim());
      form.dispatchEvent(new CustomEvent("agnes:done", { bubbles: true }));
      agnes.go(location.search || "?", false);
    } catch {
      agnes.toast("The server did not answer. Look what became of it before you try again.", "bad");
    } finally {
      sending = false;
      by?.removeAttribute("aria-busy");
    }
  };
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-tells]") || !document.body.dataset.live) return;
    event.preventDefault();
    event.stopImmediatePropagation(); // live.js would show a refusal only until the next beat
    send(event.target, event.submitter);
  }, true);
}

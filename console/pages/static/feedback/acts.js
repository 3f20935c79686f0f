// What the buttons of the inbox and of a report do: sent without a load, told in passing, and undone with `u`.
// A conflict stands in [data-told], outside of what is patched, until somebody decides.
{
  const UNDO = "agnes-undo"; // of this tab: what brings back the reader's own last action
  const told = () => document.querySelector("[data-told]");
  const steps = (value) => {
    try {
      if (value === undefined) return sessionStorage.getItem(UNDO);
      if (value === null) sessionStorage.removeItem(UNDO);
      else sessionStorage.setItem(UNDO, value);
    } catch { /* a browser that keeps nothing has the button of the toast */ }
    return value ?? null;
  };

  let sending = false;
  const send = async (form, button) => {
    if (sending) return;
    sending = true;
    try {
      const body = new URLSearchParams(new FormData(form, button));
      const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "text/x-notice" } });
      if (!answer.headers.get("Content-Type")?.startsWith("text/plain")) return agnes.again ? agnes.again() : location.reload();
      tell(form, answer, await answer.text());
    } catch {
      agnes.toast("The server did not answer. Look what became of it before you try again.", "bad");
    } finally {
      sending = false;
    }
  };

  // The answer is a part of a page that our own server has rendered.
  const tell = (form, answer, html) => {
    const part = document.createElement("template");
    part.innerHTML = html;
    const done = part.content.querySelector(".said");
    if (!answer.ok || !done) {
      told().replaceChildren(part.content);
      told().querySelector(".notice")?.scrollIntoView({ block: "nearest" });
      if (told().querySelector("[data-done]")) agnes.go(location.search || "?", false); // the others were changed
      return;
    }
    steps(done.querySelector("[data-undo]")?.value ?? null);
    const line = document.createDocumentFragment();
    line.append(...done.childNodes);
    agnes.toast(line);
    told().replaceChildren();
    form.reset();
    document.activeElement?.matches?.("input, textarea") && document.activeElement.blur();
    const to = answer.headers.get("X-Go");
    if (to && to !== location.pathname) location.assign(to);
    else agnes.go(location.search || "?", false);
  };

  document.addEventListener("submit", (event) => {
    if (!event.target.matches?.("form[data-acts]") || !document.body.dataset.live) return;
    event.preventDefault();
    event.stopPropagation(); // live.js would put the answer where the next beat takes it away
    send(event.target, event.submitter);
  }, true);
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-drop]")) return;
    told().replaceChildren();
    agnes.go(location.search || "?", false); // what stands there now
  });

  agnes.key("u", "Undo my last action", () => {
    const form = document.getElementById("undo");
    const last = steps();
    if (!last) return agnes.toast("There is nothing of yours to undo in this tab.");
    const button = Object.assign(document.createElement("button"), { type: "submit", name: "steps", value: last, hidden: true });
    form.append(button);
    form.requestSubmit(button);
    button.remove();
  });
}

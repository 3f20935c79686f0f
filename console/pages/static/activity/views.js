// The menu of saved views: its buttons write and then go where the answer says, without a load; links are copied.
{
  const menu = () => document.querySelector("details.views");

  const act = async (form, button) => {
    const given = new URLSearchParams(new FormData(form, button));
    button.disabled = true;
    try {
      const answer = await fetch(form.action, { method: "POST", body: given, headers: { Accept: "text/x-notice" } });
      if (!answer.headers.get("Content-Type")?.startsWith("text/plain")) return location.reload();
      tell(await answer.text(), answer);
    } catch {
      agnes.toast("The server cannot be reached. Nothing was saved.", "bad");
    } finally {
      button.disabled = false;
    }
  };

  // The answer is a part of a page that our own server has rendered.
  const tell = (html, answer) => {
    const said = menu().querySelector("[data-said]");
    const part = document.createElement("template");
    part.innerHTML = html;
    if (!answer.ok) return said.replaceChildren(part.content);
    agnes.toast(part.content.textContent.trim());
    menu().open = false;
    menu().querySelectorAll("[data-more]").forEach((more) => (more.open = false));
    menu().querySelectorAll("input[name=name]").forEach((field) => (field.value = ""));
    menu().querySelector("summary").focus();
    const to = answer.headers.get("X-Go");
    agnes.go(to, to !== location.search);
  };

  document.addEventListener("submit", (event) => {
    if (event.target.id !== "views" || !event.submitter) return;
    event.preventDefault();
    event.stopPropagation(); // live.js would ask for the parts that change by themselves only
    act(event.target, event.submitter);
  }, true);

  // Enter presses the button beside the field.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || !event.target.matches?.(".views input:not([type=checkbox])")) return;
    event.preventDefault();
    event.target.closest(".line").querySelector("button").click();
  });

  document.addEventListener("toggle", (event) => {
    if (!event.target.matches?.("details.views [data-more]") || !event.target.open) return;
    for (const other of menu().querySelectorAll("[data-more][open]")) {
      if (!other.contains(event.target) && !event.target.contains(other)) other.open = false;
    }
    event.target.querySelector("input:not([type=hidden], [type=checkbox])")?.focus();
  }, true);
}

// Copying. A button copies by what it says in its markup, so no page needs a script of its own for it:
//   <button type="button" data-copy="the text" data-copied="Link copied">
// `data-copy-here` fills in this console's address: for what begins with "/", and where the text says {here}.
//   agnes.copy(text)         copies it; a promise of whether it could
{
  // Without https a browser has no clipboard to offer; copying what is selected still works.
  const selected = (text) => {
    const at = document.activeElement;
    const area = document.createElement("textarea");
    area.value = text;
    area.readOnly = true;
    area.className = "visually-hidden";
    // In the same open menu or dialog, or it would close; a closed menu would hide it.
    (at?.matches("summary") || !at ? document.body : at.parentElement ?? at).append(area);
    area.select();
    const could = document.execCommand("copy");
    area.remove();
    at?.focus({ preventScroll: true });
    return could;
  };
  agnes.copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return selected(text);
    }
  };
  const here = (text) => text.startsWith("/") ? location.origin + text : text.replace("{here}", () => location.origin);
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (!button) return;
    event.preventDefault();
    const text = "copyHere" in button.dataset ? here(button.dataset.copy) : button.dataset.copy;
    const could = await agnes.copy(text);
    agnes.toast(could ? button.dataset.copied ?? "Copied" : "This browser does not let the page copy", could ? "good" : "bad");
  });
}

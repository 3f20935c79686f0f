// One report: the answer by keyboard, and back to the list.
{
  agnes.key("e", "Answer and resolve", () => document.getElementById("resolution")?.focus() ?? undefined);
  agnes.key("Escape", "Leave the field, back to the list", (event) => {
    if (event.target.matches?.("input, textarea, select")) return event.target.blur();
    if (document.querySelector("dialog:modal, details.menu[open]")) return false;
    document.querySelector(".crumb a")?.click();
  }, { typing: true });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.target.id !== "resolution") return;
    event.preventDefault();
    document.querySelector(".answer button[name=do]")?.click();
  });
}

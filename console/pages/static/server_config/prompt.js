// A prompt: Ctrl+S saves, Ctrl+Enter shows it; what is typed and not saved stays, whatever else is looked at.
{
  const body = () => document.querySelector("[data-draft]");
  const version = () => document.querySelector("[form=prompt-edit][name=version]");
  const whom = () => document.querySelector("[form=prompt-edit][name=as_user]");
  let draft = null; // the text, and the version that it was made of

  document.addEventListener("input", (event) => {
    if (event.target !== body()) return;
    const { value, defaultValue } = event.target;
    draft = value === defaultValue ? null : { text: value, of: draft?.of ?? version().value };
  });
  document.addEventListener("click", (event) => event.target.closest(".conflict a") && (draft = null), true); // theirs is wanted
  document.addEventListener("agnes:done", () => (draft = null));
  agnes.shown(() => {
    if (!draft || !body()) return;
    body().value = draft.text;
    version().value = draft.of;
  });
  addEventListener("beforeunload", (event) => draft && event.preventDefault());
  document.addEventListener("change", (event) => {
    if (event.target.matches("select[name=as_user]") && whom()) whom().value = event.target.value;
  });
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || !body()) return;
    const name = { s: "save", Enter: "preview" }[event.key];
    if (!name) return;
    event.preventDefault();
    if (!event.repeat) document.querySelector(`button[form=prompt-edit][name=${name}]`).click();
  });
}

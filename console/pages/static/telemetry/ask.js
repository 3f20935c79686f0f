// Asking in one's own words: the answer stands under the question, whatever the page shows next. Without this script the
// browser sends the form, and gets a page.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.id !== "ask") return;
  event.preventDefault();
  event.stopImmediatePropagation(); // live.js would take the answer for a notice
  const button = document.querySelector("button[form=ask]");
  if (button.disabled) return;
  button.disabled = true;
  button.textContent = "Asking…";
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { Accept: "text/x-notice" } });
    if (!answer.headers.get("Content-Type")?.startsWith("text/plain")) return agnes.again(); // somebody else answers
    agnes.patch(document.getElementById("asked"), await answer.text(), { fresh: true });
  } catch {
    agnes.toast("The server did not answer. The log says what became of the question.", "bad");
  } finally {
    button.disabled = false;
    button.textContent = "Ask";
  }
}, true);
// Who opens it wants to write.
document.querySelector(".asking")?.addEventListener("toggle", (event) => event.target.open && document.getElementById("ask-question")?.focus());

// A menu that has done what it was opened for closes; the button that opened it has the focus again.
document.addEventListener("click", (event) => {
  const menu = event.target.closest?.(".actions [data-copy]")?.closest("details");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

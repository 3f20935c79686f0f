// Facets: Alt-click excludes, as the button at the end of the row does. All else is links.
{
  document.addEventListener("click", (event) => {
    const pick = event.altKey && !event.button && event.target.closest?.(".facets a.pick");
    if (!pick) return;
    event.preventDefault(); // a browser would download it
    const drop = pick.parentElement.querySelector("a.drop") ?? pick;
    agnes.go(new URL(drop.href).search || "?");
  });
}

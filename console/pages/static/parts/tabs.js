// Where not all tabs fit beside each other, the one that is open stands in view.
agnes.shown(() => {
  const tabs = document.querySelector(".tabs");
  const current = tabs?.querySelector("[aria-current]");
  if (!current || tabs.scrollWidth <= tabs.clientWidth) return;
  const end = current.offsetLeft + current.offsetWidth - tabs.offsetLeft;
  if (end > tabs.scrollLeft + tabs.clientWidth) tabs.scrollLeft = end - tabs.clientWidth;
  if (current.offsetLeft - tabs.offsetLeft < tabs.scrollLeft) tabs.scrollLeft = current.offsetLeft - tabs.offsetLeft;
});

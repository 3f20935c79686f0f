// Runs the scripts kept in <template id="later">, first those with an address, in their order, then the lines that need
// them. They wait until the first paint stands on the screen, not only in a frame: reading two megabytes of scripts takes
// the processor from whoever draws it. Where nothing is painted, as in a tab behind others, they do not wait.
(async () => {
  await new Promise((painted) => {
    if (document.hidden) return painted();
    new PerformanceObserver(painted).observe({ type: "paint", buffered: true });
    setTimeout(painted, 1000);
  });
  const kept = [...document.getElementById("later").content.querySelectorAll("script")];
  const run = (old) => new Promise((done) => {
    const script = document.createElement("script");
    for (const { name, value } of old.attributes) script.setAttribute(name, value);
    script.textContent = old.textContent;
    script.async = false;
    script.onload = script.onerror = done;
    document.body.append(script);
    if (!script.src) done();
  });
  const lines = (script) => !script.src && (script.type === "" || script.type === "text/javascript");
  await Promise.all(kept.filter((script) => !lines(script)).map(run));
  kept.filter(lines).forEach(run);
})();

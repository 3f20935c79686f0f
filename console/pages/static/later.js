// Runs the scripts kept in <template id="later">, after the first paint: first those with an address, in their order,
// then the lines that need them.
requestAnimationFrame(() => setTimeout(async () => {
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
}));

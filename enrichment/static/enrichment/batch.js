/* Keeps a batch's progress up to date: told by its events; where those don't come, by asking. */
(() => {
  const ASK_EVERY_MS = 2000;
  const here = () => document.getElementById("batch-progress");
  if (!here()?.dataset.events) return;
  let asking = false;

  const busy = (section) => section.contains(document.activeElement) && document.activeElement.matches("input");
  const refresh = async () => {
    const section = here();
    if (asking || document.hidden || busy(section)) return;
    asking = true;
    try {
      const answer = await fetch(section.dataset.progress);
      if (!answer.ok || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("batch-progress");
      const focused = document.activeElement?.closest("#batch-progress form")?.getAttribute("action");
      here().replaceWith(fresh);
      if (focused) fresh.querySelector(`form[action="${focused}"] button`)?.focus();
      if (!fresh.dataset.events) end();
    } catch {
      // The server is away; the next round asks again.
    } finally {
      asking = false;
    }
  };

  const events = new EventSource(here().dataset.events);
  const clock = setInterval(() => {
    if (events.readyState !== EventSource.OPEN) refresh();
  }, ASK_EVERY_MS);
  const end = () => {
    events.close();
    clearInterval(clock);
  };
  events.addEventListener("progress", refresh);
  events.addEventListener("end", refresh);
})();

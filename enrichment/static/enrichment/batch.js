/* Keeps a batch's progress up to date: told by its events; where those don't come, by asking. */
(() => {
  const ASK_EVERY_MS = 2000;
  const here = () => document.getElementById("batch-progress");
  if (!("events" in (here()?.dataset ?? {}))) return;
  let asking = false;

  // Part by part, and only what has changed: a person may be typing a cap or pressing a button.
  const same = (old, fresh) =>
    "same" in old.dataset ? old.dataset.same === fresh.dataset.same : old.outerHTML === fresh.outerHTML;
  const show = (fresh) => {
    for (const part of fresh.querySelectorAll("[data-part]")) {
      const old = here().querySelector(`[data-part="${part.dataset.part}"]`);
      if (!same(old, part)) old.replaceWith(part);
    }
    if ("events" in fresh.dataset) return;
    delete here().dataset.events;
    end();
    // The rows that failed are told below, by a page that is loaded when all is over.
    if (fresh.dataset.failed) location.reload();
  };
  const refresh = async () => {
    const section = here();
    if (asking || document.hidden) return;
    asking = true;
    try {
      const answer = await fetch(section.dataset.progress);
      if (!answer.ok || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      show(page.getElementById("batch-progress"));
    } catch {
      // The server is away; the next round asks again.
    } finally {
      asking = false;
    }
  };

  const address = here().dataset.events; // blank: the project has no such address
  const events = address ? new EventSource(address) : null;
  const clock = setInterval(() => {
    if (events?.readyState !== EventSource.OPEN) refresh();
  }, ASK_EVERY_MS);
  const end = () => {
    events?.close();
    clearInterval(clock);
  };
  events?.addEventListener("progress", refresh);
  events?.addEventListener("end", refresh);
})();

/* Keeps the forecast in step with the form, and shows a trial without leaving the page. */
"use strict";
(() => {
  const WAIT_MS = 400;
  const form = document.getElementById("batch-start");
  if (!form) return;
  const part = (name) => form.querySelector(`[data-${name}]`);
  const forecast = document.getElementById("batch-forecast");
  const trial = document.getElementById("batch-trial");
  const start = part("start");
  const state = part("state");
  let running = null;

  const ask = async (what, signal) => {
    const body = new FormData(form);
    body.set("do", what);
    const answer = await fetch(form.action, {
      method: "POST", body, signal, headers: { "X-Fragment": "1" },
    });
    if (!answer.ok || answer.redirected) throw new Error(`${answer.status}`);
    return answer.text();
  };

  const languages = () => {
    const many = form.dataset.byVariant.split(" ").includes(form.elements.enrichment.value);
    part("languages").hidden = !many;
  };

  const told = (rows) => {
    if (rows < 2) return rows ? form.dataset.startOne : form.dataset.start;
    return form.dataset.startMany.replace("{number}", rows.toLocaleString(document.documentElement.lang));
  };

  const foresee = async () => {
    running?.abort();
    running = new AbortController();
    const mine = running;
    start.disabled = true;
    state.textContent = form.dataset.counting;
    try {
      // The server rendered it and escaped everything in it.
      forecast.innerHTML = await ask("forecast", mine.signal);
      const rows = Number(forecast.querySelector("[data-rows]")?.dataset.rows || 0);
      start.disabled = rows === 0;
      const planned = form.elements.at.value || form.elements.recurrence.value !== "once";
      if (planned) start.disabled = false; // rows may need work by then
      start.textContent = planned ? form.dataset.plan : told(rows);
      state.textContent = "";
    } catch (error) {
      if (mine.signal.aborted) return;
      start.disabled = false;
      state.textContent = form.dataset.noForecast;
    }
  };

  let clock = 0;
  form.addEventListener("input", () => {
    languages();
    clearTimeout(clock);
    clock = setTimeout(foresee, WAIT_MS);
  });
  part("try").addEventListener("click", async (event) => {
    event.preventDefault();
    const button = event.currentTarget;
    button.disabled = true;
    trial.hidden = false;
    trial.textContent = form.dataset.asking;
    try {
      trial.innerHTML = await ask("try");
    } catch {
      trial.textContent = form.dataset.broken;
    } finally {
      button.disabled = false;
    }
  });
  // The forecast is always there: its button is for browsers without scripts.
  part("forecast").hidden = true;
  languages();
  if (part("languages").hidden || form.elements.languages.value) foresee();
  else start.disabled = true;
})();

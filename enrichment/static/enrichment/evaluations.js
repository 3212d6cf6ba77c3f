/* The pages of sets and runs: fields that fit the choice, and a forecast in step with the form. */
"use strict";
(() => {
  const form = document.getElementById("set-form");
  if (!form) return;
  const fit = () => {
    const way = form.elements.source.value;
    const many = form.dataset.byVariant.split(" ").includes(form.elements.enrichment.value);
    for (const each of form.querySelectorAll("[data-ways]")) {
      const fits = each.dataset.ways.split(" ").includes(way);
      each.hidden = !fits || (each.dataset.field === "language" && !many);
    }
  };
  form.addEventListener("input", fit);
  fit();
})();
(() => {
  const WAIT_MS = 400;
  const form = document.getElementById("run-form");
  if (!form) return;
  const forecast = document.getElementById("run-forecast");
  const state = form.querySelector("[data-state]");
  let running = null;

  const foresee = async () => {
    running?.abort();
    running = new AbortController();
    const mine = running;
    const body = new FormData(form);
    body.set("do", "forecast");
    state.textContent = "…";
    try {
      const answer = await fetch(form.action, {
        method: "POST", body, signal: mine.signal, headers: { "X-Fragment": "1" },
      });
      if (!answer.ok || answer.redirected) throw new Error(`${answer.status}`);
      // The server rendered it and escaped everything in it.
      forecast.innerHTML = await answer.text();
      state.textContent = "";
    } catch {
      if (!mine.signal.aborted) state.textContent = "";
    }
  };

  let clock = 0;
  form.addEventListener("input", () => {
    clearTimeout(clock);
    clock = setTimeout(foresee, WAIT_MS);
  });
  // The forecast is always there: its button is for browsers without scripts.
  form.querySelector("[data-forecast]").hidden = true;
  foresee();
})();

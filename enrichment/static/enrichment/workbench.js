/* Shows what the workbench's buttons find without leaving the page, so that no word is lost. */
"use strict";
(() => {
  const form = document.getElementById("workbench");
  if (!form) return;
  const state = form.querySelector("[data-state]");

  const ask = async (what) => {
    const body = new FormData(form);
    body.set("do", what);
    const answer = await fetch(form.action, { method: "POST", body, headers: { "X-Fragment": "1" } });
    if (!answer.ok || answer.redirected) throw new Error(`${answer.status}`);
    return answer.text();
  };

  for (const button of form.querySelectorAll("[data-into]")) {
    button.addEventListener("click", async (event) => {
      event.preventDefault();
      const place = document.getElementById(button.dataset.into);
      button.disabled = true;
      state.textContent = "…";
      try {
        // The server rendered it and escaped everything in it.
        place.innerHTML = await ask(button.value);
        const card = place.closest("section[hidden]");
        if (card) card.hidden = false;
        state.textContent = "";
      } catch {
        state.textContent = state.dataset.failed;
      } finally {
        button.disabled = false;
      }
    });
  }
})();

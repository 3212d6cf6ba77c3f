/* Shows what would be sent about a row without leaving the form. */
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const button = document.querySelector("[data-declared-preview]");
  const place = document.getElementById("declared-preview");
  if (!button || !place) return;
  button.addEventListener("click", async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      const answer = await fetch(button.getAttribute("formaction"), {
        method: "POST", body: new FormData(button.form), headers: { "X-Fragment": "1" },
      });
      if (!answer.ok || answer.redirected) throw new Error(`${answer.status}`);
      // The server rendered it and escaped everything in it.
      place.innerHTML = await answer.text();
    } catch {
      place.textContent = button.dataset.broken;
    } finally {
      place.hidden = false;
      button.disabled = false;
    }
  });
});

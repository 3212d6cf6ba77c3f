// Asks what the changes of a form would have cost, and shows it beside the form, which stays as it is.
"use strict";

for (const card of document.querySelectorAll("[data-cost]")) {
  const button = card.querySelector("button");
  const place = card.querySelector("[data-cost-result]");
  button.addEventListener("click", async (event) => {
    event.preventDefault();
    button.disabled = true;
    place.textContent = place.dataset.wait;
    try {
      const reply = await fetch(button.formAction, {
        method: "POST",
        body: new FormData(button.form),
        headers: { "X-Nodewise-Part": "cost" },
      });
      if (!reply.ok || reply.redirected) throw new Error(reply.status);
      // The server rendered it and escaped everything in it.
      place.innerHTML = await reply.text();
    } catch {
      place.textContent = place.dataset.failed;
    } finally {
      button.disabled = false;
    }
  });
}

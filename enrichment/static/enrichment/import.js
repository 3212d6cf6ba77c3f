/* The preview of an import: the file stays in the page, and is sent with each step. */
"use strict";
(() => {
  const form = document.getElementById("listings-import");
  if (!form) return;
  const preview = document.getElementById("import-preview");
  const state = form.querySelector("[data-state]");
  let running = null;
  let importing = false; // a second click must not begin it again

  const show = async (what) => {
    if (!form.elements.file.files.length || importing) return;
    importing = what === "import";
    running?.abort();
    running = new AbortController();
    const mine = running;
    state.textContent = what === "import" ? form.dataset.importing : form.dataset.reading;
    const body = new FormData(form);
    body.set("do", what);
    try {
      const answer = await fetch(form.action, {
        method: "POST", body, signal: mine.signal, headers: { "X-Fragment": "1" },
      });
      const next = answer.headers.get("X-Location");
      if (next) {
        location.assign(next);
        return;
      }
      if (!answer.ok) throw new Error(answer.status === 413 ? form.dataset.tooLarge : "");
      // The server rendered it and escaped everything in it.
      preview.innerHTML = await answer.text();
      state.textContent = "";
    } catch (error) {
      if (mine.signal.aborted) return;
      state.textContent = error.message || form.dataset.silent;
    }
    importing = false;
  };

  form.elements.file.addEventListener("change", () => {
    preview.replaceChildren();
    show("preview");
  });
  preview.addEventListener("change", (event) => {
    if (event.target.name === "field") show("preview");
  });
  for (const name of ["order", "organization"]) {
    form.elements[name].addEventListener("change", () => show("preview"));
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show(event.submitter?.value || "preview");
  });
  show("preview"); // of a file that was chosen before this script was there, or kept by the browser
})();

/* j and k move between suggestions; a, e, r and s press the buttons of the one in focus, u takes
   the last decision back. Ctrl+Enter saves what is being edited, else accepts. */
(() => {
  const cards = [...document.querySelectorAll("[data-review]")];
  const undo = () => document.querySelector("[data-undo]")?.click();
  if (!cards.length) {
    document.addEventListener("keydown", (event) => {
      if (event.key === "u" && !event.target.closest("input, select")) undo();
    });
    return;
  }
  let at = 0;

  const go = (to) => {
    at = Math.max(0, Math.min(cards.length - 1, to));
    cards[at].focus({ preventScroll: true });
    cards[at].scrollIntoView({ block: "start" });
  };
  const press = (verb) => cards[at].querySelector(`[data-verb="${verb}"]`)?.click();
  const edit = () => {
    const details = cards[at].querySelector("[data-edit]");
    if (!details || !cards[at].querySelector('[data-verb="edit"]')) return;
    details.open = true;
    details.querySelector("textarea").focus();
  };
  const save = () => press(cards[at].querySelector("[data-edit]")?.open ? "edit" : "accept");
  const keys = {
    j: () => go(at + 1),
    k: () => go(at - 1),
    a: () => press("accept"),
    e: edit,
    r: () => press("reject"),
    s: () => press("skip"),
    u: undo,
  };

  cards.forEach((card, index) => card.addEventListener("focusin", () => { at = index; }));
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "Escape" && typing && cards[at].contains(typing)) cards[at].focus();
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      save();
      return;
    }
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = keys[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  });
  cards[0].focus({ preventScroll: true });
})();

/* j and k move between suggestions; a, e and r press the buttons of the one in focus. */
(() => {
  const cards = [...document.querySelectorAll("[data-review]")];
  if (!cards.length) return;
  let at = 0;

  const go = (to) => {
    at = Math.max(0, Math.min(cards.length - 1, to));
    cards[at].focus({ preventScroll: true });
    cards[at].scrollIntoView({ block: "start" });
  };
  const press = (verb) => cards[at].querySelector(`[data-verb="${verb}"]`)?.click();
  const edit = () => {
    const details = cards[at].querySelector("details");
    if (!details || !cards[at].querySelector('[data-verb="edit"]')) return;
    details.open = true;
    details.querySelector("textarea").focus();
  };
  const keys = {
    j: () => go(at + 1),
    k: () => go(at - 1),
    a: () => press("accept"),
    e: edit,
    r: () => press("reject"),
  };

  cards.forEach((card, index) => card.addEventListener("focusin", () => { at = index; }));
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "Escape" && typing && cards[at].contains(typing)) cards[at].focus();
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = keys[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  });
  cards[0].focus({ preventScroll: true });
})();

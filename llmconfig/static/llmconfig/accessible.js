/* What the theme leaves to the mouse, for the keyboard and for readers of the screen. */
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const NATIVE = "a[href], button, input, select, textarea, label, summary, #changelist-filter-close";
  // In the page's language where its template says them.
  const said = document.getElementById("page")?.dataset || {};
  const NAMES = {
    dock_to_right: said.sidebar || "Sidebar",
    menu: said.menu || "Menu",
    close: said.close || "Close",
    filter_list: said.filters || "Filters",
  };

  // What is clicked is also reached by Tab, and pressed by Enter or the space bar.
  for (const each of document.querySelectorAll("[x-on\\:click]")) {
    if (each.matches(NATIVE) || each.querySelector("a[href], button, input, select")) continue;
    each.tabIndex = 0;
    each.setAttribute("role", "button");
    const icon = each.textContent.trim();
    if (NAMES[icon]) each.setAttribute("aria-label", NAMES[icon]);
    each.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      each.click();
    });
  }

  // Texts that scroll are scrolled by the keyboard too.
  for (const each of document.querySelectorAll(".nw-text, .nw-scroll")) {
    if (each.scrollHeight > each.clientHeight + 1 || each.scrollWidth > each.clientWidth + 1) each.tabIndex = 0;
  }

  // What stands in a field that offers a list would hide the rest of it.
  for (const each of document.querySelectorAll("[data-select]")) {
    each.addEventListener("focus", () => each.select());
  }

  // A form that was refused begins at its first error.
  const wrong = document.querySelector("#content [aria-invalid=true], #content .errorlist ~ input, #content .errors input");
  if (wrong) wrong.focus();
});

// The parts that scripts draw when the page has loaded.
window.addEventListener("load", () => setTimeout(() => {
  // Chosen from a list that is searched: named by its field's label.
  for (const select of document.querySelectorAll("select.select2-hidden-accessible, select.admin-autocomplete")) {
    const label = document.querySelector(`label[for="${CSS.escape(select.id)}"]`);
    const name = label?.textContent.trim() || select.getAttribute("aria-label") || select.name;
    const shown = select.nextElementSibling;
    for (const part of shown?.querySelectorAll("[role=combobox], [role=textbox]") || []) {
      part.removeAttribute("aria-labelledby");
      part.setAttribute("aria-label", name);
    }
  }
  for (const tip of document.querySelectorAll(".help-tooltip[aria-label]")) tip.setAttribute("role", "img");
}));

// A double click sends a form once. What answers with a file leaves the page, and may be sent again.
const AGAIN_MS = 3000;
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  setTimeout(() => delete form.dataset.sent, AGAIN_MS);
});

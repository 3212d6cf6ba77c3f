// Sends the playground's form, to up to three targets at once, and shows each answer as it comes:
// lines of JSON, see playground.py.
"use strict";

const form = document.getElementById("playground");
const part = (name, within = document) => within.querySelector(`[data-${name}]`);
const send = part("send");
const stop = part("stop");
const answers = part("answers");
let running = null;

function showErrors(errors) {
  for (const place of form.querySelectorAll("[data-error]")) {
    const said = errors[place.dataset.error] || [];
    place.textContent = said.join(" ");
    place.hidden = said.length === 0;
  }
}

/* The targets that are named, each once. */
function targets() {
  const others = [...form.querySelectorAll("[data-also]")].map((each) => each.value.trim());
  return [...new Set([form.elements.target.value.trim(), ...others.filter(Boolean)])];
}

function addColumn(target) {
  const section = part("column").content.firstElementChild.cloneNode(true);
  part("name", section).textContent = target;
  section.setAttribute("aria-label", target);
  answers.append(section);
  return section;
}

function refuse(section, text) {
  const line = document.createElement("p");
  line.className = "nw-refusal nw-gap";
  line.setAttribute("role", "alert");
  line.textContent = text;
  part("summary", section).replaceChildren(line);
}

function take(section, event) {
  const answer = part("answer", section);
  if (event.text) {
    answer.hidden = false;
    answer.textContent += event.text;
    answer.scrollTop = answer.scrollHeight;
  }
  if ("answer" in event) {
    answer.hidden = false;
    answer.textContent = event.answer;
  }
  // The server rendered it and escaped everything in it.
  if (event.summary) part("summary", section).innerHTML = event.summary;
}

async function read(section, reply) {
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) take(section, JSON.parse(line));
  }
}

async function ask(section, target, signal) {
  const body = new FormData(form);
  body.set("target", target);
  const reply = await fetch(form.action, { method: "POST", body, signal });
  const kind = reply.headers.get("Content-Type") || "";
  if (reply.status === 400 && kind.includes("json")) {
    showErrors((await reply.json()).errors);
    section.remove();
  } else if (reply.ok && kind.includes("ndjson")) {
    await read(section, reply);
  } else {
    refuse(section, form.dataset.refused.replace("{status}", reply.status));
  }
}

async function column(target, signal) {
  const section = addColumn(target);
  const state = part("state", section);
  const from = performance.now();
  const show = () => { state.textContent = `${((performance.now() - from) / 1000).toFixed(1)} s`; };
  const clock = setInterval(show, 100);
  try {
    await ask(section, target, signal);
  } catch (error) {
    refuse(section, error.name === "AbortError" ? form.dataset.stopped : form.dataset.broken);
  } finally {
    clearInterval(clock);
    state.textContent = "";
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (running) return;
  running = new AbortController();
  showErrors({});
  answers.replaceChildren();
  send.disabled = true;
  stop.hidden = false;
  const asked = targets();
  answers.classList.toggle("nw-w12", asked.length > 1);
  answers.classList.toggle("nw-w6", asked.length === 1);
  answers.classList.toggle("nw-answers", asked.length > 1);
  await Promise.all(asked.map((target) => column(target, running.signal)));
  running = null;
  send.disabled = false;
  stop.hidden = true;
});

stop.addEventListener("click", () => running && running.abort());
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});

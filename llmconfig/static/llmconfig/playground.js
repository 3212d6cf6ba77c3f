// Sends the playground's form and shows the answer as it comes: lines of JSON, see playground.py.
"use strict";

const form = document.getElementById("playground");
const part = (name) => document.querySelector(`[data-${name}]`);
const send = part("send");
const stop = part("stop");
const state = part("state");
const answer = part("answer");
const summary = part("summary");
let running = null;

function showErrors(errors) {
  for (const place of form.querySelectorAll("[data-error]")) {
    const said = errors[place.dataset.error] || [];
    place.textContent = said.join(" ");
    place.hidden = said.length === 0;
  }
}

function begin() {
  running = new AbortController();
  showErrors({});
  answer.textContent = "";
  summary.replaceChildren();
  answer.hidden = true;
  part("empty").hidden = true;
  send.disabled = true;
  stop.hidden = false;
  const from = performance.now();
  const show = () => { state.textContent = `${((performance.now() - from) / 1000).toFixed(1)} s`; };
  show();
  return setInterval(show, 100);
}

function end(clock) {
  clearInterval(clock);
  running = null;
  state.textContent = "";
  send.disabled = false;
  stop.hidden = true;
}

function refuse(text) {
  const line = document.createElement("p");
  line.className = "nw-refusal nw-gap";
  line.setAttribute("role", "alert");
  line.textContent = text;
  summary.replaceChildren(line);
}

function take(event) {
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
  if (event.summary) summary.innerHTML = event.summary;
}

async function read(reply) {
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) take(JSON.parse(line));
  }
}

async function ask() {
  const body = new FormData(form);
  const reply = await fetch(form.action, { method: "POST", body, signal: running.signal });
  const kind = reply.headers.get("Content-Type") || "";
  if (reply.status === 400 && kind.includes("json")) {
    showErrors((await reply.json()).errors);
  } else if (reply.ok && kind.includes("ndjson")) {
    await read(reply);
  } else {
    refuse(`The server answered ${reply.status}. Open the page again; you may have been signed out.`);
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (running) return;
  const clock = begin();
  try {
    await ask();
  } catch (error) {
    refuse(error.name === "AbortError" ? "You stopped it." : "The connection to the server broke off.");
  } finally {
    end(clock);
  }
});

stop.addEventListener("click", () => running && running.abort());
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});

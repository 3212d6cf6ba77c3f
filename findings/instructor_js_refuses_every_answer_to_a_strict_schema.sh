#!/bin/sh
# Package: @instructor-ai/instructor 1.7.0 with zod 3.25.76 and openai 4.104.0 (npm).
# Behaviour seen: a response_model that takes no other keys, z.object({...}).strict(), or only numbers, z.record(z.number()), refuses
#   every answer there is: the library lays its own `_meta`, with the usage, into the answer before it lets the schema judge it.
#   With max_retries: 3 a right answer is paid four times and ends in a ZodError about a key '_meta' that the model never wrote.
#   Each further request shows the model its answer with `_meta` in it and asks it to correct that. An open z.object passes, as
#   zod drops keys that it doesn't know.
# One would guess: what's judged is the model's answer. A strict schema is what OpenAI's strict mode wants, too.
# Why it matters: four times the price and a failed row, for rows that were right; and the message blames the model, so one tries
#   another model, or more retries, which cost as much again.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @instructor-ai/instructor@1.7.0 zod@3.25.76 openai@4.104.0
cat > program.mjs <<'JS'
import http from "node:http";
import instructor from "@instructor-ai/instructor";
import OpenAI from "openai";
import { z } from "zod";

let requests = [];
let written = "";
const server = http.createServer(async (request, answer) => {
  let text = "";
  for await (const piece of request) text += piece;
  const asked = JSON.parse(text);
  requests.push(asked);
  const call = { id: "c1", type: "function", function: { name: asked.tools[0].function.name, arguments: written } };
  const choice = { index: 0, finish_reason: "stop", message: { role: "assistant", content: null, tool_calls: [call] } };
  const usage = { prompt_tokens: 1000, completion_tokens: 10, total_tokens: 1010 };
  answer.setHeader("content-type", "application/json");
  answer.end(JSON.stringify({ id: "c", object: "chat.completion", created: 1, model: "m", choices: [choice], usage }));
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const create = instructor.default ?? instructor;
const client = create({ client: new OpenAI({ apiKey: "k", baseURL: `http://127.0.0.1:${server.address().port}/v1` }), mode: "TOOLS" });
for (const level of ["warn", "error"]) console[level] = () => {};

const person = z.object({ name: z.string(), age: z.number() });
const cases = {
  open: [person, { name: "Ann", age: 30 }],
  strict: [person.strict(), { name: "Ann", age: 30 }],
  numbers: [z.record(z.number()), { apples: 3, pears: 4 }],
};
const seen = {};
console.log("@instructor-ai/instructor 1.7.0");
for (const [name, [schema, right]] of Object.entries(cases)) {
  requests = [];
  written = JSON.stringify(right);
  const judged = schema.safeParse(right).success;
  const messages = [{ role: "user", content: "Who or what is it?" }];
  let end = "an answer";
  try {
    await client.chat.completions.create({ model: "m", max_retries: 3, messages, response_model: { schema, name: "Told" } });
  } catch (error) {
    end = `${error.name} about ${error.issues[0].keys ?? error.issues[0].path}`;
  }
  const shown = requests.at(-1).messages.at(-2)?.content ?? "";
  console.log(`${name}: zod says ${judged}; ${requests.length} requests, then ${end}; the last one shows ${shown || "no earlier answer"}`);
  seen[name] = [judged, requests.length, end, shown.includes('"_meta"')];
}
server.close();
const failed = [true, 4, "ZodError about _meta", true];
if (JSON.stringify(seen) !== JSON.stringify({ open: [true, 1, "an answer", false], strict: failed, numbers: failed })) {
  console.log("changed: answers are judged in another way now");
  process.exit(1);
}
console.log("as described: a right answer is asked for four times and refused");
process.exit(0);
JS
node program.mjs

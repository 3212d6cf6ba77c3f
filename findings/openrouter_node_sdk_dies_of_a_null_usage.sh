#!/bin/sh
# Package: @openrouter/sdk 1.3.19 (npm), the vendor's own client, at another server by its option serverURL.
# Behaviour seen: a stream asked for with includeUsage, whose chunks bear `"usage": null` until the last one, as OpenAI documents
#   it for this option, ends before its first piece in a ZodError ("expected object, received null"), which is none of the SDK's
#   own error classes. The same stream without the nulls is read, usage included.
# One would guess: null is "nothing yet", as for `finish_reason` and `logprobs` in the same chunk, which the SDK takes as null.
# Why it matters: a gateway that follows OpenAI's words to the letter looks broken to this client alone, and only with usage asked
#   for; a handler for OpenRouterError doesn't catch it. Without includeUsage most servers send no nulls, and the usage is lost.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @openrouter/sdk@1.3.19
cat > program.mjs <<'JS'
import http from "node:http";
import { OpenRouter } from "@openrouter/sdk";
import { OpenRouterError } from "@openrouter/sdk/models/errors";

const usage = { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 };
const chunk = (more) => ({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", ...more });
const choice = (delta, finish_reason) => [{ index: 0, delta, finish_reason, logprobs: null }];
let until = {};
const server = http.createServer((request, answer) => {
  request.resume();
  answer.writeHead(200, { "content-type": "text/event-stream" });
  const told = [
    chunk({ choices: choice({ role: "assistant", content: "Hi" }, null), ...until }),
    chunk({ choices: choice({}, "stop"), ...until }),
    chunk({ choices: [], usage }),
  ];
  for (const each of told) answer.write(`data: ${JSON.stringify(each)}\n\n`);
  answer.end("data: [DONE]\n\n");
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const client = new OpenRouter({ apiKey: "k", serverURL: `http://127.0.0.1:${server.address().port}` });

async function read() {
  const pieces = [];
  const chatRequest = { model: "m", messages: [{ role: "user", content: "Hi" }], stream: true, streamOptions: { includeUsage: true } };
  try {
    for await (const each of await client.chat.send({ chatRequest })) pieces.push(each);
  } catch (error) {
    return { pieces: pieces.length, error: error.name, ofTheSDK: error instanceof OpenRouterError };
  }
  return { pieces: pieces.length, tokens: pieces.at(-1).usage?.totalTokens };
}

const without = await read();
until = { usage: null };
const withNulls = await read();
console.log("@openrouter/sdk 1.3.19");
console.log("no usage until the last chunk:   ", JSON.stringify(without));
console.log("usage: null until the last chunk:", JSON.stringify(withNulls));
if (JSON.stringify([without, withNulls]) !== '[{"pieces":3,"tokens":4},{"pieces":0,"error":"ZodError","ofTheSDK":false}]') {
  console.log("changed: null is taken in another way now");
  process.exit(1);
}
console.log("as described: a null ends the stream before its first piece");
process.exit(0);
JS
node program.mjs

#!/bin/sh
# @ai-sdk/anthropic 3.0.140 with ai 6.0.326: a whole answer whose text block says "citations": null is
# refused with "Invalid JSON response"; the same block without the field is taken, and in streams
# null is taken too.
# One would guess that null is fine: Anthropic's published types have `citations` as nullable, and
# what Anthropic's own SDKs write back out (model_dump, JSON.stringify) holds the null.
# It matters to whoever stands between (gateways, recorders, test servers): tools and chats fail only
# for this client, and only when they don't stream.
# Ends with 1 if the behaviour has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private": true, "type": "module"}' > package.json
npm install --silent --ignore-scripts ai@6.0.326 @ai-sdk/anthropic@3.0.140 zod@4.6.7 > /dev/null
cat > ask.js <<'SCRIPT'
import { createServer } from "node:http";
import { generateText } from "ai";
import { createAnthropic } from "@ai-sdk/anthropic";

const answer = (block) => ({
  id: "msg_1", type: "message", role: "assistant", model: "m", content: [block],
  stop_reason: "end_turn", stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 },
});
const ask = async (block) => {
  const server = createServer((_, reply) => {
    reply.setHeader("content-type", "application/json");
    reply.end(JSON.stringify(answer(block)));
  }).listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  const baseURL = `http://127.0.0.1:${server.address().port}/v1`;
  const model = createAnthropic({ baseURL, apiKey: "k" })("m");
  try {
    return (await generateText({ model, prompt: "Hi", maxRetries: 0 })).text;
  } catch (error) {
    return error.message;
  } finally {
    server.close();
  }
};
const without = await ask({ type: "text", text: "Hello." });
const withNull = await ask({ type: "text", text: "Hello.", citations: null });
console.log(`without the field: ${without}\nwith null: ${withNull}`);
process.exit(without === "Hello." && withNull === "Invalid JSON response" ? 0 : 1);
SCRIPT
node ask.js

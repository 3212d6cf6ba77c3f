#!/bin/sh
# Packages: ai 6.0.326 with @ai-sdk/anthropic 3.0.140 (npm).
# Behaviour seen: Claude sums a long conversation up on its server before it answers (context_management, compact_20260112). The
#   usage has the answer's tokens in the totals and the summary's in `iterations`: here 600 fresh, 180,000 from the cache and 3,500
#   written. The SDK adds the summary's fresh and written tokens and leaves out the cached ones: 21,000 prompt tokens of 201,000,
#   20,000 cached of 200,000. genai-prices 0.2.3 and langchain-anthropic 1.7.10 add nothing of it, LiteLLM 1.110.2 all.
# One would guess: either the API's totals or the sum over `iterations`, which bear cache_read_input_tokens and
#   cache_creation_input_tokens just as the totals do; not the sum of two fields of four.
# Why it matters: what is summed up is the conversation so far, which the cache holds: nine tenths of that call's prompt are missing
#   from usage, from the cache's hit rate and from each cost made of them, at the one call of a session that costs most.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private": true, "type": "module"}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts ai@6.0.326 @ai-sdk/anthropic@3.0.140 zod@4.6.7
cat > program.mjs <<'JS'
import { createServer } from "node:http";
import { generateText } from "ai";
import { createAnthropic } from "@ai-sdk/anthropic";

const counts = (fresh, cached, written) => ({
  input_tokens: fresh, cache_read_input_tokens: cached, cache_creation_input_tokens: 0, output_tokens: written,
});
const summary = { type: "compaction", ...counts(600, 180_000, 3500) };
const message = { type: "message", ...counts(400, 20_000, 1000) };
const ask = async (iterations) => {
  const text = { type: "text", text: "Go on with step 7.", citations: [] };
  const content = iterations.includes(summary) ? [{ type: "compaction", content: "Steps 1 to 6 are done." }, text] : [text];
  const reply = {
    id: "m", type: "message", role: "assistant", model: "claude-opus-4-6", content, stop_reason: "end_turn", stop_sequence: null,
    usage: { ...counts(400, 20_000, 1000), iterations },
  };
  const server = createServer((request, answer) => {
    request.resume();
    answer.setHeader("content-type", "application/json");
    answer.end(JSON.stringify(reply));
  }).listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  const model = createAnthropic({ baseURL: `http://127.0.0.1:${server.address().port}/v1`, apiKey: "k" })("claude-opus-4-6");
  const edits = [{ type: "compact_20260112", trigger: { type: "input_tokens", value: 150_000 } }];
  const providerOptions = { anthropic: { contextManagement: { edits } } };
  const { usage } = await generateText({ model, prompt: "Go on.", maxRetries: 0, providerOptions });
  server.close();
  return [usage.inputTokens, usage.inputTokenDetails.cacheReadTokens, usage.outputTokens];
};

const plain = await ask([message]);
const summed = await ask([summary, message]);
console.log("@ai-sdk/anthropic 3.0.140, ai 6.0.326: prompt, of it cached, answer");
console.log("without a summary:", ...plain);
console.log("with a summary:   ", ...summed, "- billed: 201000 200000 4500");
if (JSON.stringify([plain, summed]) !== "[[20400,20000,1000],[21000,20000,4500]]") {
  console.log("changed: summaries are counted in another way now");
  process.exit(1);
}
console.log("as described: 600 fresh tokens are added, 180,000 cached ones aren't");
JS
node program.mjs

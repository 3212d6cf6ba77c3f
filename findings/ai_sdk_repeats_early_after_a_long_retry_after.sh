#!/bin/sh
# Packages: ai 7.0.173 with @ai-sdk/openai-compatible 3.0.92 (npm).
# Behaviour seen: a provider answers 429 with a Retry-After header. Waits before the second request:
#     Retry-After: 4   -> 4 s (obeyed)        Retry-After: 90  -> 2 s
#   A wait of 60 s or more is not capped and doesn't end the call: the SDK falls back to its own first delay, 2 s, then 4 s.
# One would guess: a longer wish means a longer wait (or a cap, or an error at once, as openai's SDK does over 120 s).
# Why it matters: limits per minute and per day answer with long waits. The two remaining tries are spent within 6 s, the call
#   fails, and each of them counts against the limit that it hit. A gateway that tells the truth fares worse than one that
#   says 59.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm init -y >/dev/null && npm install --silent --no-audit --no-fund ai@7.0.173 @ai-sdk/openai-compatible@3.0.92)
cat > "$work/program.mjs" <<'JS'
import http from "node:http";
import { generateText } from "ai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";

let times = [], wish = 0;
const reply = { id: "c", object: "chat.completion", created: 1, model: "m",
  choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "ok" } }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } };
const server = http.createServer((request, response) => {
  request.resume().on("end", () => {
    times.push(Date.now());
    const first = times.length === 1;
    response.writeHead(first ? 429 : 200, { "content-type": "application/json", ...(first && { "retry-after": String(wish) }) });
    response.end(JSON.stringify(first ? { error: { message: "slow down", type: "rate_limit_error" } } : reply));
  });
});
server.listen(0, "127.0.0.1", async () => {
  const provider = createOpenAICompatible({ name: "x", baseURL: `http://127.0.0.1:${server.address().port}/v1` });
  const waited = {};
  for (wish of [4, 90]) {
    times = [];
    await generateText({ model: provider("m"), prompt: "hi" });
    waited[wish] = (times[1] - times[0]) / 1000;
    console.log(`Retry-After: ${wish} -> repeated after ${waited[wish].toFixed(1)} s`);
  }
  server.close();
  const asDescribed = waited[4] > 3.9 && waited[4] < 6 && waited[90] < 4;
  console.log(asDescribed ? "as described: the longer wish is followed by the shorter wait" : "changed: long waits are handled in another way now");
  process.exit(asDescribed ? 0 : 1);
});
JS
cd "$work" && node program.mjs

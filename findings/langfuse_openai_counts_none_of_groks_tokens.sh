#!/bin/sh
# Package: @langfuse/openai 5.11.1 with openai 7.55.0 (npm): observeOpenAI() around a client of an OpenAI-compatible server.
# Behaviour seen: a usage in xAI's form, 2,600 prompt tokens of which text_tokens 2,600 and cached_tokens 400, and 180 tokens of
#   answer beside 700 of reasoning. The generation gets input 0 and output 0: whatever stands in the details is taken from the
#   totals, though text_tokens are all of the prompt, with the cached ones in them, and xAI's completion_tokens don't contain the
#   reasoning. In OpenAI's form the same call is input 2,200 and output 180, as it should be.
# One would guess: input is what's left of the prompt beside its cached part, with any compatible server; and where the parts add
#   up to more than the whole, the whole is kept.
# Why it matters: Langfuse prices a generation by its keys. With a price for `input` and for `output`, all that a custom model is
#   usually given, each call of Grok costs nothing, and only `total` shows that tokens were used.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @langfuse/openai@5.11.1 openai@7.55.0 @opentelemetry/sdk-trace-base@2.12.1
cat > program.mjs <<'JS'
import http from "node:http";
import { observeOpenAI } from "@langfuse/openai";
import { setLangfuseTracerProvider } from "@langfuse/tracing";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import OpenAI from "openai";

const usages = {
  "gpt-5": {
    prompt_tokens: 2600, completion_tokens: 880, total_tokens: 3480,
    prompt_tokens_details: { cached_tokens: 400, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 700, audio_tokens: 0 },
  },
  "grok-4-fast": {
    prompt_tokens: 2600, completion_tokens: 180, total_tokens: 3480,
    prompt_tokens_details: { text_tokens: 2600, audio_tokens: 0, image_tokens: 0, cached_tokens: 400 },
    completion_tokens_details: { reasoning_tokens: 700, audio_tokens: 0 },
  },
};
const server = http.createServer(async (request, answer) => {
  let text = "";
  for await (const piece of request) text += piece;
  const { model, stream } = JSON.parse(text);
  const told = { id: "c", created: 1, model, usage: usages[model] };
  if (!stream) {
    const choices = [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "Fine." } }];
    answer.setHeader("content-type", "application/json");
    return answer.end(JSON.stringify({ ...told, object: "chat.completion", choices }));
  }
  const choices = [{ index: 0, delta: { content: "Fine." }, finish_reason: "stop" }];
  answer.setHeader("content-type", "text/event-stream");
  for (const more of [{ choices, usage: null }, { choices: [] }])
    answer.write(`data: ${JSON.stringify({ ...told, object: "chat.completion.chunk", ...more })}\n\n`);
  answer.end("data: [DONE]\n\n");
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const spans = new InMemorySpanExporter();
setLangfuseTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }));
const client = observeOpenAI(new OpenAI({ apiKey: "k", baseURL: `http://127.0.0.1:${server.address().port}/v1` }));

const seen = {};
console.log("@langfuse/openai 5.11.1");
for (const model of Object.keys(usages))
  for (const stream of [false, true]) {
    const messages = [{ role: "user", content: "How are you?" }];
    const more = stream ? { stream, stream_options: { include_usage: true } } : {};
    const answer = await client.chat.completions.create({ model, messages, ...more });
    if (stream) for await (const _ of answer);
    const { input, output, total, ...details } = JSON.parse(spans.getFinishedSpans().at(-1).attributes["langfuse.observation.usage_details"]);
    console.log(`${model}${stream ? ", streamed" : ""}: input ${input}, output ${output}, total ${total};`, JSON.stringify(details));
    (seen[model] ??= []).push([input, output, total]);
  }
server.close();
const expected = { "gpt-5": [[2200, 180, 3480], [2200, 180, 3480]], "grok-4-fast": [[0, 0, 3480], [0, 0, 3480]] };
if (JSON.stringify(seen) !== JSON.stringify(expected)) {
  console.log("changed: the details are taken from the totals in another way now");
  process.exit(1);
}
console.log("as described: of 3480 tokens none is input or output");
process.exit(0);
JS
node program.mjs

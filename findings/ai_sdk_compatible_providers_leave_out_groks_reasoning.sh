#!/bin/sh
# Packages: ai 6.0.326 with @ai-sdk/xai 3.0.138, @ai-sdk/openai-compatible 2.0.92 and @ai-sdk/openai 3.0.141 (npm).
# Behaviour seen: one reply in xAI's form, 2,600 tokens of prompt, 180 of text, 700 of reasoning beside them, total_tokens 3,480. By
#   @ai-sdk/xai it is outputTokens 880 and totalTokens 3,480. By the other two, whole as streamed, it is outputTokens 180, of
#   which text 0 and reasoning 700, and totalTokens 2,780: the total that the server gave is passed over for a sum of theirs.
# One would guess: totalTokens is the server's total where there is one, and the parts of 180 tokens aren't 700.
# Why it matters: Grok behind a gateway is reached by the compatible provider, and then the reasoning, which is four fifths of the
#   answer here and paid as such, is in no cost that's made of outputTokens or totalTokens. The same model by xAI's provider
#   costs five times as much on the output side, so the gateway looks cheap. usage.raw has the true numbers.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund ai@6.0.326 @ai-sdk/xai@3.0.138 @ai-sdk/openai-compatible@2.0.92 @ai-sdk/openai@3.0.141
cat > program.mjs <<'JS'
import http from "node:http";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { createXai } from "@ai-sdk/xai";
import { generateText, streamText } from "ai";

const usage = {
  prompt_tokens: 2600, completion_tokens: 180, total_tokens: 3480,
  prompt_tokens_details: { text_tokens: 2600, audio_tokens: 0, image_tokens: 0, cached_tokens: 400 },
  completion_tokens_details: { reasoning_tokens: 700, audio_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 },
};
const server = http.createServer(async (request, answer) => {
  let text = "";
  for await (const piece of request) text += piece;
  const { model, stream } = JSON.parse(text);
  const told = { id: "c", created: 1, model };
  if (!stream) {
    const choices = [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "Fine." } }];
    answer.setHeader("content-type", "application/json");
    return answer.end(JSON.stringify({ ...told, object: "chat.completion", choices, usage }));
  }
  const choice = (delta, finish_reason) => [{ index: 0, delta, finish_reason }];
  answer.setHeader("content-type", "text/event-stream");
  for (const more of [{ choices: choice({ role: "assistant", content: "Fine." }, null) }, { choices: choice({}, "stop"), usage }])
    answer.write(`data: ${JSON.stringify({ ...told, object: "chat.completion.chunk", ...more })}\n\n`);
  answer.end("data: [DONE]\n\n");
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const where = { baseURL: `http://127.0.0.1:${server.address().port}/v1`, apiKey: "k" };
const models = {
  "@ai-sdk/xai": createXai(where).chat("grok-4-fast"),
  "@ai-sdk/openai-compatible": createOpenAICompatible({ name: "gateway", includeUsage: true, ...where }).chatModel("grok-4-fast"),
  "@ai-sdk/openai": createOpenAI(where).chat("grok-4-fast"),
};

const seen = {};
console.log("ai 6.0.326; the server says 180 tokens of text, 700 of reasoning, 3480 in all");
for (const [name, model] of Object.entries(models)) {
  const whole = await generateText({ model, prompt: "How are you?" });
  const streamed = streamText({ model, prompt: "How are you?" });
  await streamed.consumeStream();
  seen[name] = [whole.usage, await streamed.usage].map(({ outputTokens, outputTokenDetails, totalTokens }) => {
    const { textTokens, reasoningTokens } = outputTokenDetails;
    return [outputTokens, textTokens, reasoningTokens, totalTokens];
  });
  const [output, text, reasoning, total] = seen[name][0];
  console.log(`${name.padEnd(26)} output ${output} (text ${text}, reasoning ${reasoning}), total ${total}`);
}
server.close();
const twice = (counts) => [counts, counts];
const expected = {
  "@ai-sdk/xai": twice([880, 180, 700, 3480]),
  "@ai-sdk/openai-compatible": twice([180, 0, 700, 2780]),
  "@ai-sdk/openai": twice([180, 0, 700, 2780]),
};
if (JSON.stringify(seen) !== JSON.stringify(expected)) {
  console.log("changed: reasoning beside the answer is counted in another way now");
  process.exit(1);
}
console.log("as described: 700 tokens of reasoning are in no sum but xAI's own provider's");
process.exit(0);
JS
node program.mjs

#!/bin/sh
# Package: gpt-tokens 1.3.14 (npm), usedTokens and usedUSD; beside it js-tiktoken 1.0.21.
# Behaviour seen: gpt-4o, a question and an answer of 1,401 tokens: $0.01404. The same with the definition of one tool: $0.00363, a
#   quarter, though the tool is more to read. With tools all tokens, the answer's too, have the price of a prompt; the tokens are
#   counted by another package, in GPT-4's encoding. A Greek prompt of 501 tokens is 508 without the tool and 1,743 with it.
# One would guess: a tool adds its own few tokens, at the price of a prompt, to what's counted without it.
# Why it matters: in English with long answers an agent's estimate is a quarter of its bill, in Greek with long prompts three times
#   it; neither shows beside the other in one total. A budget checked by it lets four calls through where one was meant, or
#   refuses two that would have fitted. promptUsedTokens and completionUsedTokens, of the same object, don't know the tool at all.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund gpt-tokens@1.3.14 js-tiktoken@1.0.21
cat > program.mjs <<'JS'
import { GPTTokens } from "gpt-tokens";
import { getEncoding } from "js-tiktoken";

const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const tools = [{ type: "function", function: { name: "weather", description: "Tells the weather.", parameters } }];
const answer = "The weather in Oslo is fine. ".repeat(200);
const greek = "Το πρόγραμμα της ημέρας είναι έτοιμο. ".repeat(50);
const cases = {
  "English, a long answer": [{ role: "user", content: "How is the weather?" }, { role: "assistant", content: answer }],
  "Greek, a long prompt": [{ role: "user", content: greek }],
};
const seen = {};
console.log("gpt-tokens 1.3.14, gpt-4o");
for (const [name, messages] of Object.entries(cases)) {
  seen[name] = [{}, { tools }].map((more) => {
    const counted = new GPTTokens({ model: "gpt-4o", messages, ...more });
    return [counted.usedTokens, counted.usedUSD];
  });
  const [without, with_] = seen[name];
  console.log(`${name}: ${without[0]} tokens, $${without[1]}; with a tool ${with_[0]} tokens, $${with_[1]}`);
}
const encoded = ["o200k_base", "cl100k_base"].map((encoding) => getEncoding(encoding).encode(greek).length);
console.log(`the Greek prompt is ${encoded[0]} tokens in gpt-4o's encoding and ${encoded[1]} in GPT-4's`);
const expected = { "English, a long answer": [[1413, 0.01404], [1452, 0.00363]], "Greek, a long prompt": [[508, 0.00127], [1743, 0.0043575]] };
if (JSON.stringify(seen) !== JSON.stringify(expected) || encoded.join() !== "501,1701") {
  console.log("changed: calls with tools are counted in another way now");
  process.exit(1);
}
console.log("as described: a tool makes one call four times cheaper and another three times dearer");
JS
node program.mjs

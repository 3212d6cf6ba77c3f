#!/bin/sh
# Package: ai-tokenizer 1.0.6 (npm), count() of ai-tokenizer/sdk, which takes the AI SDK's messages; models openai/gpt-5,
#   anthropic/claude-sonnet-4.5 and google/gemini-2.5-pro.
# Behaviour seen: a picture of 100 kB in a user's message is 85 tokens. The same picture as a tool's result (`output: {type: "content",
#   value: [{type: "image-data", …}]}`, "media" in the AI SDK 5, as screenshots come) is counted as the text of its base64: over 90,000
#   tokens, of any model. Thoughts that an assistant's message brings back (`type: "reasoning"`) are counted as none, however long.
# One would guess: that a picture counts alike wherever it stands, and that what is sent counts.
# Why it matters: its README has the total times the model's price as the cost, and agents compact or refuse by it. One screenshot
#   looks like half of Claude's context and $0.30, a thousand times too much; a hundred thousand tokens of thoughts look like nothing.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund ai-tokenizer@1.0.6
cat > program.mjs <<'JS'
import Tokenizer, { models } from "ai-tokenizer";
import * as encoding from "ai-tokenizer/encoding";
import { count } from "ai-tokenizer/sdk";

const picture = Buffer.from(Array.from({ length: 100_000 }, (_, at) => (at * 7919 + (at >> 3)) % 256)).toString("base64");
const words = "I think that the dog is brown. ".repeat(1000);
const seen = (type) => ({ type: "content", value: [{ type, data: picture, mediaType: "image/png" }] });
const result = (type) => ({ role: "tool", content: [{ type: "tool-result", toolCallId: "a", toolName: "look", output: seen(type) }] });
const turns = {
  "picture of a user's": { role: "user", content: [{ type: "image", image: `data:image/png;base64,${picture}` }] },
  "picture of a tool's": result("image-data"),
  "the same as media in a tool's": result("media"),
  "text of an assistant's": { role: "assistant", content: [{ type: "text", text: words }] },
  "thoughts of an assistant's": { role: "assistant", content: [{ type: "reasoning", text: words }] },
};
let same = true;
console.log("ai-tokenizer 1.0.6");
for (const id of ["openai/gpt-5", "anthropic/claude-sonnet-4.5", "google/gemini-2.5-pro"]) {
  const model = models[id];
  const tokenizer = new Tokenizer(encoding[model.encoding]);
  const inside = ([what, message]) => [what, count({ tokenizer, model, messages: [message] }).messages[0].content.reduce((sum, { total }) => sum + total, 0)];
  const found = Object.entries(turns).map(inside);
  console.log(`${id}:`, found.map(([what, tokens]) => `${what} message ${tokens}`).join(", "));
  const [users, tools, asMedia, text, thoughts] = found.map(([, tokens]) => tokens);
  const looksRight = users === 85 && Math.min(tools, asMedia) > 90_000 && text > 5000 && thoughts === 0;
  same &&= looksRight;
}
if (!same) {
  console.log("changed: pictures of tools, or thoughts, are counted in another way now");
  process.exit(1);
}
console.log("as described: a tool's picture is counted as text, thoughts as nothing");
JS
node program.mjs

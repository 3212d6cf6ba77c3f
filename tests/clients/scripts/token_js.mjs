// Token.js, at an OpenAI-compatible server.
import { TokenJS } from "token.js";
import { ASK, ASK_WEATHER, KEY, MODEL, SCHEMA, URL, WEATHER, all, expect, rejects } from "./steps.mjs";

const ask = (more, key = KEY) => new TokenJS({ apiKey: key, baseURL: URL }).chat.completions.create({
  provider: "openai-compatible", model: MODEL, messages: [{ role: "user", content: ASK }], ...more,
});
const question = { role: "user", content: ASK_WEATHER };
const tools = [{ type: "function", function: { name: "weather", parameters: WEATHER } }];

await all({
  async chat() {
    expect((await ask()).choices[0].message.content, "text");
  },
  async usage() {
    expect((await ask()).usage.completion_tokens, "tokens");
  },
  async stream() {
    const pieces = [];
    for await (const chunk of await ask({ stream: true })) if (chunk.choices[0]?.delta?.content) pieces.push(chunk);
    expect(pieces.length > 1, "pieces");
  },
  async tools() {
    const { message } = (await ask({ messages: [question], tools })).choices[0];
    const [call] = expect(message.tool_calls, "call");
    const result = { role: "tool", tool_call_id: call.id, content: "It is sunny in Bonn." };
    expect((await ask({ messages: [question, message, result], tools })).choices[0].message.content, "answer");
  },
  async structured() {
    const form = { type: "json_object" };
    expect(JSON.parse((await ask({ messages: [{ role: "user", content: "Make up a dog, in JSON." }], response_format: form })).choices[0].message.content), "object");
  },
  async errors() {
    await rejects((error) => error.status === 401, () => ask({}, "nw-wrong"));
  },
});

// Anthropic's SDK for JavaScript.
import Anthropic from "@anthropic-ai/sdk";
import { ASK, ASK_WEATHER, CLAUDE, KEY, ROOT, WEATHER, all, expect, rejects, weather } from "./steps.mjs";

const client = new Anthropic({ baseURL: ROOT, apiKey: KEY, maxRetries: 0 });
const ask = { model: CLAUDE, max_tokens: 200, messages: [{ role: "user", content: ASK }] };

await all({
  async chat() {
    expect((await client.messages.create(ask)).content[0].text, "text");
  },
  async usage() {
    expect((await client.messages.create(ask)).usage.output_tokens, "tokens");
    expect((await client.messages.countTokens({ model: CLAUDE, messages: ask.messages })).input_tokens, "count");
  },
  async stream() {
    expect(await client.messages.stream(ask).finalText(), "text");
  },
  async tools() {
    const tools = [{ name: "weather", input_schema: WEATHER }];
    const messages = [{ role: "user", content: ASK_WEATHER }];
    const first = await client.messages.create({ ...ask, messages, tools });
    const call = expect(first.content.find((each) => each.type === "tool_use"), "tool call");
    messages.push({ role: "assistant", content: first.content });
    messages.push({ role: "user", content: [{ type: "tool_result", tool_use_id: call.id, content: weather(call.input) }] });
    expect((await client.messages.create({ ...ask, messages, tools })).content[0].text, "text");
  },
  async errors() {
    const wrong = new Anthropic({ baseURL: ROOT, apiKey: "nw-wrong", maxRetries: 0 });
    await rejects((error) => error instanceof Anthropic.AuthenticationError, () => wrong.messages.create(ask));
  },
});

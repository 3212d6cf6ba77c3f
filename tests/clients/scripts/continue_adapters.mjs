// Continue's adapters, by which its editor extensions and its CLI ask: OpenAI's chats or Anthropic's messages.
import { constructLlmApi } from "@continuedev/openai-adapters";
import { ASK, ASK_WEATHER, CLAUDE, EMBEDDER, KEY, MODEL, SCHEMA, URL, WEATHER, all, called, expect, rejects, weather } from "./steps.mjs";

const provider = process.env.AT ?? "openai";
const model = provider === "anthropic" ? CLAUDE : MODEL;
const made = (apiKey) => constructLlmApi({ provider, apiKey, apiBase: `${URL}/` });
const api = made(KEY);
const signal = new AbortController().signal;
const asked = { model, max_tokens: 200, messages: [{ role: "user", content: ASK }] };

const steps = {
  async chat() {
    expect((await api.chatCompletionNonStream(asked, signal)).choices[0].message.content, "text");
  },
  async usage() {
    expect((await api.chatCompletionNonStream(asked, signal)).usage.completion_tokens, "tokens");
  },
  async stream() {
    const pieces = [];
    for await (const piece of api.chatCompletionStream({ ...asked, stream: true }, signal)) pieces.push(piece);
    expect(pieces.map((piece) => piece.choices[0]?.delta.content ?? "").join(""), "text");
    expect(pieces.some((piece) => piece.usage?.completion_tokens), "usage");
  },
  async tools() {
    const tools = [{ type: "function", function: { name: "weather", description: "Tell the weather.", parameters: WEATHER } }];
    const messages = [{ role: "user", content: ASK_WEATHER }];
    const calls = [];
    for await (const piece of api.chatCompletionStream({ ...asked, messages, tools, stream: true }, signal)) {
      for (const { id, function: told } of piece.choices[0]?.delta.tool_calls ?? []) {
        if (id && id !== calls.at(-1)?.id) calls.push({ id, type: "function", function: { name: told.name, arguments: "" } });
        calls.at(-1).function.arguments += told?.arguments ?? "";
      }
    }
    const [call] = expect(calls, "tool call");
    const result = weather(JSON.parse(call.function.arguments));
    messages.push({ role: "assistant", content: "", tool_calls: [call] }, { role: "tool", tool_call_id: call.id, content: result });
    expect((await api.chatCompletionNonStream({ ...asked, messages, tools }, signal)).choices[0].message.content, "text");
    expect(called, "call of the tool");
  },
  async structured() {
    const response_format = { type: "json_schema", json_schema: { name: "dog", strict: true, schema: SCHEMA } };
    const done = await api.chatCompletionNonStream({ ...asked, response_format }, signal);
    expect(JSON.parse(done.choices[0].message.content).name, "object");
  },
  async embeddings() {
    expect((await api.embed({ model: EMBEDDER, input: ["a dog", "a cat"] })).data[1].embedding, "vectors");
  },
  async errors() {
    const stream = async (at, body) => {
      for await (const piece of at.chatCompletionStream({ ...body, stream: true }, signal)) expect(piece, "piece");
    };
    await rejects((error) => /401|key/.test(`${error.status} ${error.message}`), () => stream(made("nw-wrong"), asked));
    await rejects((error) => /404|no-such-model/.test(`${error.status} ${error.message}`), () => stream(api, { ...asked, model: "no-such-model" }));
  },
};
if (provider === "anthropic") ["structured", "embeddings"].forEach((step) => delete steps[step]);
await all(steps);

// Ollama's client for JavaScript, at our /api.
import { Ollama } from "ollama";
import { ASK, ASK_WEATHER, EMBEDDER, KEY, MODEL, ROOT, SCHEMA, WEATHER, all, called, expect, rejects, weather } from "./steps.mjs";

const at = (key) => new Ollama({ host: ROOT, headers: { Authorization: `Bearer ${key}` } });
const client = at(KEY);
const ask = { model: MODEL, messages: [{ role: "user", content: ASK }] };

await all({
  async chat() {
    expect((await client.chat(ask)).message.content, "text");
    expect((await client.generate({ model: MODEL, prompt: ASK })).response, "text of a prompt");
    expect((await client.list()).models, "models");
    expect((await client.show({ model: MODEL })).capabilities, "what the model can");
  },
  async usage() {
    expect((await client.chat(ask)).eval_count, "tokens");
  },
  async stream() {
    const pieces = [];
    for await (const piece of await client.chat({ ...ask, stream: true })) pieces.push(piece);
    expect(pieces.map((each) => each.message.content).join(""), "text");
    expect(pieces.at(-1).done, "end");
  },
  async tools() {
    const tools = [{ type: "function", function: { name: "weather", description: "weather", parameters: WEATHER } }];
    const messages = [{ role: "user", content: ASK_WEATHER }];
    const { message } = await client.chat({ ...ask, messages, tools });
    const call = expect(message.tool_calls, "call of the tool")[0];
    messages.push(message, { role: "tool", tool_name: call.function.name, content: weather(call.function.arguments) });
    expect((await client.chat({ ...ask, messages, tools })).message.content, "text");
    expect(called, "call of the tool");
  },
  async structured() {
    expect("name" in JSON.parse((await client.chat({ ...ask, format: SCHEMA })).message.content), "object");
  },
  async embeddings() {
    expect((await client.embed({ model: EMBEDDER, input: ["a dog", "a cat"] })).embeddings[1], "vectors");
  },
  async errors() {
    await rejects((error) => error.status_code === 401, () => at("nw-wrong").chat(ask));
    await rejects((error) => error.status_code === 404, () => client.chat({ ...ask, model: "no-such-model" }));
  },
});

// Portkey's SDK for JavaScript, whose gateway's address is ours.
import Portkey from "portkey-ai";
import { ASK, ASK_WEATHER, EMBEDDER, KEY, MODEL, SCHEMA, URL, WEATHER, all, called, expect, rejects, weather } from "./steps.mjs";

const Client = Portkey.Portkey ?? Portkey;
const at = (key) => new Client({ baseURL: URL, apiKey: "unused", Authorization: key, maxRetries: 0 });
const client = at(KEY);
const ask = { model: MODEL, messages: [{ role: "user", content: ASK }] };

await all({
  async chat() {
    expect((await client.chat.completions.create(ask)).choices[0].message.content, "text");
    expect((await client.responses.create({ model: MODEL, input: ASK })).output, "output by responses");
  },
  async usage() {
    expect((await client.chat.completions.create(ask)).usage.total_tokens, "tokens");
  },
  async stream() {
    const pieces = [];
    for await (const piece of await client.chat.completions.create({ ...ask, stream: true })) pieces.push(piece);
    expect(pieces.map((each) => each.choices[0]?.delta?.content ?? "").join(""), "text");
  },
  async tools() {
    const tools = [{ type: "function", function: { name: "weather", parameters: WEATHER } }];
    const messages = [{ role: "user", content: ASK_WEATHER }];
    const { message } = (await client.chat.completions.create({ ...ask, messages, tools })).choices[0];
    const call = expect(message.tool_calls, "call of the tool")[0];
    messages.push(message, { role: "tool", tool_call_id: call.id, content: weather(JSON.parse(call.function.arguments)) });
    expect((await client.chat.completions.create({ ...ask, messages, tools })).choices[0].message.content, "text");
    expect(called, "call of the tool");
  },
  async structured() {
    const response_format = { type: "json_schema", json_schema: { name: "dog", schema: SCHEMA, strict: true } };
    expect("name" in JSON.parse((await client.chat.completions.create({ ...ask, response_format })).choices[0].message.content), "object");
  },
  async embeddings() {
    expect((await client.embeddings.create({ model: EMBEDDER, input: "a dog" })).data[0].embedding, "vector");
  },
  async errors() {
    await rejects((error) => error.status === 401, () => at("nw-wrong").chat.completions.create(ask));
    await rejects((error) => error.status === 404, () => client.chat.completions.create({ ...ask, model: "no-such-model" }));
  },
});

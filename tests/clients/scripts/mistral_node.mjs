// Mistral's SDK for JavaScript, which wants the server's address without `/v1`.
import { Mistral } from "@mistralai/mistralai";
import { ASK, ASK_WEATHER, EMBEDDER, KEY, MODEL, ROOT, SCHEMA, WEATHER, all, called, expect, rejects, weather } from "./steps.mjs";

const at = (apiKey) => new Mistral({ serverURL: ROOT, apiKey });
const client = at(KEY);
const ask = { model: MODEL, messages: [{ role: "user", content: ASK }] };

await all({
  async chat() {
    expect((await client.chat.complete(ask)).choices[0].message.content, "text");
  },
  async usage() {
    expect((await client.chat.complete(ask)).usage.totalTokens, "tokens");
  },
  async stream() {
    const pieces = [];
    for await (const piece of await client.chat.stream(ask)) pieces.push(piece.data);
    expect(pieces.map((each) => each.choices[0].delta.content ?? "").join(""), "text");
    expect(pieces.at(-1).usage.totalTokens, "usage");
  },
  async tools() {
    const tools = [{ type: "function", function: { name: "weather", parameters: WEATHER } }];
    const messages = [{ role: "user", content: ASK_WEATHER }];
    const { message } = (await client.chat.complete({ ...ask, messages, tools })).choices[0];
    const call = expect(message.toolCalls, "call of the tool")[0];
    const content = weather(JSON.parse(call.function.arguments));
    messages.push(message, { role: "tool", toolCallId: call.id, name: "weather", content });
    expect((await client.chat.complete({ ...ask, messages, tools })).choices[0].message.content, "text");
    expect(called, "call of the tool");
  },
  async structured() {
    const responseFormat = { type: "json_schema", jsonSchema: { name: "dog", schemaDefinition: SCHEMA, strict: true } };
    expect("name" in JSON.parse((await client.chat.complete({ ...ask, responseFormat })).choices[0].message.content), "object");
  },
  async embeddings() {
    expect((await client.embeddings.create({ model: EMBEDDER, inputs: ["a dog", "a cat"] })).data[1].embedding, "vectors");
  },
  async errors() {
    expect((await client.models.list()).data, "models");
    await rejects((error) => error.statusCode === 401, () => at("nw-wrong").chat.complete(ask));
    await rejects((error) => error.statusCode === 404, () => client.chat.complete({ ...ask, model: "no-such-model" }));
    await rejects((error) => error.statusCode === 400, () => client.chat.complete({ ...ask, messages: [] }));
  },
});

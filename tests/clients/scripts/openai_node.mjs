// OpenAI's SDK for JavaScript.
import OpenAI from "openai";
import { ASK, ASK_WEATHER, EMBEDDER, KEY, MODEL, SCHEMA, URL, WEATHER, all, called, expect, rejects, weather } from "./steps.mjs";

const client = new OpenAI({ baseURL: URL, apiKey: KEY, maxRetries: 0 });
const ask = { model: MODEL, messages: [{ role: "user", content: ASK }] };

await all({
  async chat() {
    expect((await client.chat.completions.create(ask)).choices[0].message.content, "text");
    expect((await client.responses.create({ model: MODEL, input: ASK })).output_text, "text by responses");
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
    const tool = { type: "function", function: { name: "weather", function: weather, parse: JSON.parse, description: "weather", parameters: WEATHER } };
    const runner = client.chat.completions.runTools({ model: MODEL, messages: [{ role: "user", content: ASK_WEATHER }], tools: [tool] });
    expect(await runner.finalContent(), "text");
    expect(called, "call of the tool");
  },
  async structured() {
    const form = { type: "json_schema", json_schema: { name: "dog", schema: SCHEMA, strict: true } };
    const made = await client.chat.completions.create({ ...ask, response_format: form });
    expect("name" in JSON.parse(made.choices[0].message.content), "object");
  },
  async embeddings() {
    expect((await client.embeddings.create({ model: EMBEDDER, input: "a dog" })).data[0].embedding, "vector");
  },
  async errors() {
    const wrong = new OpenAI({ baseURL: URL, apiKey: "nw-wrong", maxRetries: 0 });
    await rejects((error) => error instanceof OpenAI.AuthenticationError, () => wrong.chat.completions.create(ask));
    await rejects((error) => error instanceof OpenAI.NotFoundError, () => client.models.retrieve("no-such"));
  },
});

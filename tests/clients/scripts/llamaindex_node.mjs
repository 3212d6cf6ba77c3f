// LlamaIndex in JavaScript.
import { OpenAI, OpenAIEmbedding } from "@llamaindex/openai";
import { tool } from "llamaindex";
import { z } from "zod";
import { ASK, ASK_WEATHER, EMBEDDER, KEY, MODEL, URL, all, called, expect, rejects, weather } from "./steps.mjs";

const made = (apiKey) => new OpenAI({ model: MODEL, apiKey, baseURL: URL, maxRetries: 0, additionalSessionOptions: { baseURL: URL } });
const llm = made(KEY);
const messages = [{ role: "user", content: ASK }];

await all({
  async chat() {
    expect((await llm.chat({ messages })).message.content, "text");
  },
  async usage() {
    expect((await llm.chat({ messages })).raw.usage.completion_tokens, "tokens");
  },
  async stream() {
    const pieces = [];
    for await (const piece of await llm.chat({ messages, stream: true })) pieces.push(piece.delta);
    expect(pieces, "pieces");
  },
  async tools() {
    const used = tool({ name: "weather", description: "weather", parameters: z.object({ city: z.string() }), execute: weather });
    const asked = [{ role: "user", content: ASK_WEATHER }];
    const first = await llm.chat({ messages: asked, tools: [used] });
    const call = expect(first.message.options?.toolCall, "tool call")[0];
    const result = weather(typeof call.input === "string" ? JSON.parse(call.input) : call.input);
    asked.push(first.message, { role: "user", content: result, options: { toolResult: { id: call.id, result, isError: false } } });
    expect((await llm.chat({ messages: asked, tools: [used] })).message.content, "text");
    expect(called, "call of the tool");
  },
  async structured() {
    const done = await llm.chat({ messages, responseFormat: z.object({ name: z.string(), age: z.number().int() }) });
    expect(JSON.parse(done.message.content).name, "object");
  },
  async embeddings() {
    expect(await new OpenAIEmbedding({ model: EMBEDDER, apiKey: KEY, baseURL: URL }).getTextEmbedding("a dog"), "vector");
  },
  async errors() {
    await rejects((error) => error.status === 401, () => made("nw-wrong").chat({ messages }));
  },
});

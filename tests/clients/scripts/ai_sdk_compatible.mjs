// Vercel's AI SDK with @ai-sdk/openai-compatible.
import { embed, generateObject, generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { ASK, ASK_WEATHER, CLAUDE, EMBEDDER, KEY, MODEL, SCHEMA, URL, WEATHER, all, called, expect, rejects, weather } from "./steps.mjs";

const made = (apiKey) => createOpenAICompatible({ baseURL: URL, apiKey, name: "nodewise", supportsStructuredOutputs: true });
const provider = made(KEY);
const model = provider(MODEL);

await all({
  async chat() {
    expect((await generateText({ model, prompt: ASK, maxRetries: 0 })).text, "text");
  },
  async usage() {
    expect((await generateText({ model, prompt: ASK, maxRetries: 0 })).usage.outputTokens, "tokens");
    const running = streamText({ model, prompt: ASK, maxRetries: 0 });
    await running.consumeStream();
    expect((await running.usage).outputTokens, "tokens of a stream");
  },
  async stream() {
    const pieces = [];
    for await (const piece of streamText({ model, prompt: ASK, maxRetries: 0 }).textStream) pieces.push(piece);
    expect(pieces, "pieces");
  },
  async tools() {
    const tools = { weather: tool({ description: "weather", inputSchema: jsonSchema(WEATHER), execute: weather }) };
    const done = await generateText({ model, prompt: ASK_WEATHER, tools, stopWhen: stepCountIs(3), maxRetries: 0 });
    expect(done.text, "text");
    expect(called, "call of the tool");
  },
  async structured() {
    expect((await generateObject({ model, prompt: ASK, schema: jsonSchema(SCHEMA), maxRetries: 0 })).object, "object");
  },
  async embeddings() {
    expect((await embed({ model: provider.textEmbeddingModel(EMBEDDER), value: "a dog" })).embedding, "vector");
  },
  async errors() {
    const wrong = made("nw-wrong")(MODEL);
    await rejects((error) => error.statusCode === 401, () => generateText({ model: wrong, prompt: ASK, maxRetries: 0 }));
  },
});

// The AI SDK with OpenRouter's provider at another base URL.
import { createOpenRouter } from "@openrouter/ai-sdk-provider";
import { embedMany, generateObject, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import { ASK, ASK_WEATHER, EMBEDDER, KEY, MODEL, URL, all, called, expect, rejects, weather } from "./steps.mjs";

const made = (apiKey) => createOpenRouter({ baseURL: URL, apiKey });
const model = made(KEY).chat(MODEL);
const maxRetries = 0;

await all({
  async chat() {
    expect((await generateText({ model, prompt: ASK, maxRetries })).text, "text");
  },
  async usage() {
    expect((await generateText({ model, prompt: ASK, maxRetries })).usage.outputTokens, "tokens");
  },
  async stream() {
    const done = streamText({ model, prompt: ASK, maxRetries });
    const pieces = [];
    for await (const piece of done.textStream) pieces.push(piece);
    expect(pieces.join(""), "text");
    expect((await done.usage).outputTokens, "tokens");
  },
  async tools() {
    const tools = { weather: tool({ description: "weather", inputSchema: z.object({ city: z.string() }), execute: weather }) };
    expect((await generateText({ model, prompt: ASK_WEATHER, tools, stopWhen: stepCountIs(3), maxRetries })).text, "text");
    expect(called, "call of the tool");
  },
  async structured() {
    const schema = z.object({ name: z.string(), age: z.number().int() });
    expect((await generateObject({ model, schema, prompt: ASK, maxRetries })).object.name, "object");
  },
  async embeddings() {
    const done = await embedMany({ model: made(KEY).textEmbeddingModel(EMBEDDER), values: ["a dog", "a cat"], maxRetries });
    expect(done.embeddings.length === 2 && done.embeddings[0], "vectors");
  },
  async errors() {
    await rejects((error) => error.statusCode === 401, () => generateText({ model: made("nw-wrong").chat(MODEL), prompt: ASK, maxRetries }));
    await rejects((error) => error.statusCode === 404, () => generateText({ model: made(KEY).chat("no-such-model"), prompt: ASK, maxRetries }));
  },
});

// VoltAgent, over the AI SDK's OpenAI-compatible provider.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { Agent, createTool } from "@voltagent/core";
import { Output } from "ai";
import { z } from "zod";
import { ASK, ASK_WEATHER, KEY, MODEL, URL, all, called, expect, rejects, weather } from "./steps.mjs";

const told = createTool({ name: "weather", description: "Tells the weather.", parameters: z.object({ city: z.string() }), execute: async (input) => weather(input) });
function agent(key = KEY) {
  const provider = createOpenAICompatible({ name: "nodewise", baseURL: URL, apiKey: key, includeUsage: true, supportsStructuredOutputs: true });
  return new Agent({ name: "helper", instructions: "Be short.", model: provider(MODEL), tools: [told], maxRetries: 0 });
}

await all({
  async chat() {
    expect((await agent().generateText(ASK)).text, "text");
  },
  async usage() {
    expect((await agent().generateText(ASK)).usage.outputTokens, "tokens");
    const streamed = await agent().streamText(ASK);
    for await (const piece of streamed.textStream) void piece;
    expect((await streamed.usage).outputTokens, "tokens of a stream");
  },
  async stream() {
    const pieces = [];
    for await (const piece of (await agent().streamText(ASK)).textStream) pieces.push(piece);
    expect(pieces.length > 1, "pieces");
  },
  async tools() {
    expect((await agent().generateText(ASK_WEATHER)).text, "answer");
    expect(called, "call of the tool");
  },
  async structured() {
    const schema = z.object({ name: z.string(), age: z.number().int() });
    expect((await agent().generateText(ASK, { output: Output.object({ schema }) })).output.name, "object");
  },
  async errors() {
    await rejects((error) => /key|401/i.test(`${error.message} ${error.cause?.message}`), () => agent("nw-wrong").generateText(ASK));
  },
});

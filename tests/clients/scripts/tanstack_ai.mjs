// TanStack AI, at an OpenAI-compatible server, over each of its wires.
import { chat, toolDefinition } from "@tanstack/ai";
import { openaiCompatibleText } from "@tanstack/ai-openai/compatible";
import { z } from "zod";
import { ASK, ASK_WEATHER, KEY, MODEL, URL, all, called, expect, rejects, weather } from "./steps.mjs";

const api = process.env.AT === "responses" ? "responses" : "chat-completions";
const at = (apiKey) => openaiCompatibleText(MODEL, { baseURL: URL, apiKey, api, maxRetries: 0 });
const adapter = at(KEY);
const asked = (content) => [{ role: "user", content }];

async function events(options) {
  const found = [];
  for await (const each of chat({ adapter, ...options })) found.push(each);
  return found;
}

const text = (found) => found.filter((each) => each.type === "TEXT_MESSAGE_CONTENT").map((each) => each.delta).join("");

await all({
  async chat() {
    expect(await chat({ adapter, messages: asked(ASK), stream: false }), "text");
  },
  async stream() {
    expect(text(await events({ messages: asked(ASK) })), "text");
  },
  async usage() {
    const end = (await events({ messages: asked(ASK) })).find((each) => each.type === "RUN_FINISHED");
    expect(end.usage.totalTokens, "tokens");
  },
  async tools() {
    const tool = toolDefinition({ name: "weather", description: "Tell the weather.", inputSchema: z.object({ city: z.string() }) }).server(weather);
    expect(text(await events({ messages: asked(ASK_WEATHER), tools: [tool] })), "text");
    expect(called, "call of the tool");
  },
  async structured() {
    const outputSchema = z.object({ name: z.string(), age: z.number().int() });
    expect("name" in (await chat({ adapter, messages: asked(ASK), outputSchema })), "object");
  },
  async errors() {
    await rejects((error) => /401|key/i.test(error.message), async () => {
      const failed = (await events({ adapter: at("nw-wrong"), messages: asked(ASK) })).find((each) => each.type === "RUN_ERROR");
      if (failed) throw new Error(failed.message ?? failed.error?.message);
    });
  },
});

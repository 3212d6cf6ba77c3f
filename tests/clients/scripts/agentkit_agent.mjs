// Inngest's AgentKit, without Inngest's server, over OpenAI's chats or Anthropic's messages.
import { anthropic, createAgent, createTool, openai } from "@inngest/agent-kit";
import { z } from "zod";
import { ASK, ASK_WEATHER, CLAUDE, KEY, MODEL, URL, all, called, expect, rejects, weather } from "./steps.mjs";

const AT = process.env.AT ?? "openai";
const model = (key = KEY) => (AT === "anthropic"
  ? anthropic({ model: CLAUDE, apiKey: key, baseUrl: URL, defaultParameters: { max_tokens: 500 } })
  : openai({ model: MODEL, apiKey: key, baseUrl: URL }));
const told = createTool({ name: "weather", description: "Tells the weather.", parameters: z.object({ city: z.string() }), handler: async (input) => weather(input) });
const agent = (key, tools = []) => createAgent({ name: "helper", system: "Be short.", model: model(key), tools });

await all({
  async chat() {
    expect((await agent().run(ASK)).output[0].content, "text");
  },
  async usage() {
    const { usage } = JSON.parse((await agent().run(ASK)).raw);
    expect(usage.completion_tokens ?? usage.output_tokens, "tokens");
  },
  async tools() {
    const done = await agent(KEY, [told]).run(ASK_WEATHER, { maxIter: 3 });
    expect(called, "call of the tool");
    expect(done.output.at(-1), "answer");
  },
  async errors() {
    await rejects((error) => /key|401/i.test(error.message), () => agent("nw-wrong").run(ASK));
  },
});

// Mastra's agents, with a model named by its URL.
import { Agent } from "@mastra/core/agent";
import { createTool } from "@mastra/core/tools";
import { z } from "zod";
import { ASK, ASK_WEATHER, KEY, MODEL, URL, all, called, expect, rejects, weather } from "./steps.mjs";

const agent = (apiKey, tools = {}) => new Agent({
  id: "dogs", name: "dogs", instructions: "Be brief.", maxRetries: 0, tools,
  model: { id: `nodewise/${MODEL}`, url: URL, apiKey },
});

await all({
  async chat() {
    expect((await agent(KEY).generate(ASK)).text, "text");
  },
  async usage() {
    expect((await agent(KEY).generate(ASK)).usage.outputTokens, "tokens");
    const running = await agent(KEY).stream(ASK);
    await running.consumeStream();
    expect((await running.usage).outputTokens, "tokens of a stream");
  },
  async stream() {
    const pieces = [];
    for await (const piece of (await agent(KEY).stream(ASK)).textStream) pieces.push(piece);
    expect(pieces, "pieces");
  },
  async tools() {
    const used = createTool({ id: "weather", description: "weather", inputSchema: z.object({ city: z.string() }), execute: async (given) => weather(given.context ?? given) });
    expect((await agent(KEY, { weather: used }).generate(ASK_WEATHER)).text, "text");
    expect(called[0], "call of the tool");
  },
  async structured() {
    const schema = z.object({ name: z.string(), age: z.number().int() });
    expect((await agent(KEY).generate(ASK, { structuredOutput: { schema } })).object?.name, "object");
  },
  async errors() {
    await rejects((error) => /key|401/i.test(`${error.message} ${error.statusCode ?? error.cause?.statusCode}`), () => agent("nw-wrong").generate(ASK));
  },
});

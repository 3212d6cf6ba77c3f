// OpenAI's agents SDK in JavaScript.
import { Agent, OpenAIProvider, Runner, setTracingDisabled, tool } from "@openai/agents";
import { z } from "zod";
import { ASK, ASK_WEATHER, KEY, MODEL, URL, all, called, expect, rejects, weather } from "./steps.mjs";

setTracingDisabled(true);
const runner = (apiKey) => new Runner({ modelProvider: new OpenAIProvider({ baseURL: URL, apiKey, useResponses: process.env.AT !== "chat" }) });
const agent = new Agent({ name: "plain", model: MODEL });

await all({
  async chat() {
    expect((await runner(KEY).run(agent, ASK)).finalOutput, "text");
  },
  async usage() {
    const done = await runner(KEY).run(agent, ASK);
    expect(done.state.usage?.outputTokens ?? done.runContext?.usage?.outputTokens, "tokens");
  },
  async stream() {
    const running = await runner(KEY).run(agent, ASK, { stream: true });
    const pieces = [];
    for await (const piece of running.toTextStream({ compatibleWithNodeStreams: false })) pieces.push(piece);
    expect(pieces, "pieces");
  },
  async tools() {
    const used = tool({ name: "weather", description: "weather", parameters: z.object({ city: z.string() }), execute: weather });
    const done = await runner(KEY).run(new Agent({ name: "tools", model: MODEL, tools: [used] }), ASK_WEATHER);
    expect(done.finalOutput, "text");
    expect(called, "call of the tool");
  },
  async structured() {
    const shaped = new Agent({ name: "shaped", model: MODEL, outputType: z.object({ name: z.string(), age: z.number().int() }) });
    expect((await runner(KEY).run(shaped, ASK)).finalOutput.name, "object");
  },
  async errors() {
    await rejects((error) => error.status === 401, () => runner("nw-wrong").run(agent, ASK));
  },
});

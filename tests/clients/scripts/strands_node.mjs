// Strands' agents, over chats and responses.
import { Agent, tool } from "@strands-agents/sdk";
import { OpenAIModel } from "@strands-agents/sdk/models/openai";
import { z } from "zod";
import { ASK, ASK_WEATHER, KEY, MODEL, URL, all, called, expect, rejects, weather } from "./steps.mjs";

const model = (apiKey) => new OpenAIModel({ api: process.env.AT, modelId: MODEL, apiKey, clientConfig: { baseURL: URL, maxRetries: 0 } });
const agent = (more = {}, apiKey = KEY) => new Agent({ model: model(apiKey), printer: false, ...more });
const look = tool({ name: "weather", description: "Tell the weather of a city.", inputSchema: z.object({ city: z.string() }), callback: weather });
const text = (done) => done.lastMessage.content.find((each) => each.text);

await all({
  async chat() {
    expect(text(await agent().invoke(ASK)), "text");
  },
  async usage() {
    expect((await agent().invoke(ASK)).metrics.accumulatedUsage.totalTokens, "tokens");
  },
  async stream() {
    let said = "";
    for await (const event of agent().stream(ASK)) said += (event.event?.delta ?? event.delta)?.text ?? "";
    expect(said, "text");
  },
  async tools() {
    const done = await agent({ tools: [look] }).invoke(ASK_WEATHER);
    expect(called, "call of the tool");
    expect(text(done), "text");
  },
  async structured() {
    const done = await agent({ structuredOutputSchema: z.object({ name: z.string(), age: z.number() }) }).invoke(ASK);
    expect(done.structuredOutput.name, "object");
  },
  async errors() {
    await rejects((error) => /401|key/i.test(error.message), () => agent({}, "nw-wrong").invoke(ASK));
  },
});

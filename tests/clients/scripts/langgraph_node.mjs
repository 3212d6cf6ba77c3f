// LangGraph's ready agent over LangChain's ChatOpenAI.
import { tool } from "@langchain/core/tools";
import { createReactAgent } from "@langchain/langgraph/prebuilt";
import { ChatOpenAI } from "@langchain/openai";
import { z } from "zod";
import { ASK, ASK_WEATHER, KEY, MODEL, URL, all, called, expect, rejects, weather } from "./steps.mjs";

const look = tool(weather, { name: "weather", description: "Tell the weather of a city.", schema: z.object({ city: z.string() }) });
const asked = (content) => ({ messages: [{ role: "user", content }] });

function agent(more = {}, apiKey = KEY) {
  const llm = new ChatOpenAI({ model: MODEL, apiKey, maxRetries: 0, configuration: { baseURL: URL } });
  return createReactAgent({ llm, tools: [], ...more });
}

await all({
  async chat() {
    expect((await agent().invoke(asked(ASK))).messages.at(-1).content, "text");
  },
  async usage() {
    expect((await agent().invoke(asked(ASK))).messages.at(-1).usage_metadata.total_tokens, "tokens");
  },
  async stream() {
    let text = "";
    for await (const [message] of await agent().stream(asked(ASK), { streamMode: "messages" })) text += message.text;
    expect(text, "text");
  },
  async tools() {
    const { messages } = await agent({ tools: [look] }).invoke(asked(ASK_WEATHER));
    expect(called, "call of the tool");
    expect(messages.at(-1).content, "text");
  },
  async structured() {
    const responseFormat = z.object({ name: z.string(), age: z.number() });
    expect((await agent({ responseFormat }).invoke(asked(ASK))).structuredResponse.name, "object");
  },
  async errors() {
    await rejects((error) => error.status === 401, () => agent({}, "nw-wrong").invoke(asked(ASK)));
  },
});

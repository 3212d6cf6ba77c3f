// LangChain's ChatAnthropic in JavaScript.
import { ChatAnthropic } from "@langchain/anthropic";
import { HumanMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { z } from "zod";
import { ASK, ASK_WEATHER, CLAUDE, KEY, MODEL, ROOT, all, called, expect, rejects, weather } from "./steps.mjs";

const name = process.env.AT === "openai" ? MODEL : CLAUDE;
const made = (apiKey) => new ChatAnthropic({ model: name, apiKey, anthropicApiUrl: ROOT, maxRetries: 0, maxTokens: 200 });
const model = made(KEY);

await all({
  async chat() {
    expect((await model.invoke(ASK)).content, "text");
  },
  async usage() {
    expect((await model.invoke(ASK)).usage_metadata.output_tokens, "tokens");
    let whole;
    for await (const piece of await model.stream(ASK)) whole = whole ? whole.concat(piece) : piece;
    expect(whole.usage_metadata.output_tokens, "tokens of a stream");
  },
  async stream() {
    const pieces = [];
    for await (const piece of await model.stream(ASK)) pieces.push(piece);
    expect(pieces, "pieces");
  },
  async tools() {
    const used = tool(weather, { name: "weather", description: "weather", schema: z.object({ city: z.string() }) });
    const bound = model.bindTools([used]);
    const messages = [new HumanMessage(ASK_WEATHER)];
    messages.push(await bound.invoke(messages));
    messages.push(await used.invoke(expect(messages[1].tool_calls, "tool call")[0]));
    expect((await bound.invoke(messages)).content, "text");
    expect(called, "call of the tool");
  },
  async structured() {
    expect((await model.withStructuredOutput(z.object({ name: z.string(), age: z.number().int() })).invoke(ASK)).name, "object");
  },
  async errors() {
    await rejects((error) => error.status === 401, () => made("nw-wrong").invoke(ASK));
  },
});

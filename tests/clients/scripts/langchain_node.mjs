// LangChain's ChatOpenAI for JavaScript.
import { ChatOpenAI, OpenAIEmbeddings } from "@langchain/openai";
import { ASK, ASK_WEATHER, EMBEDDER, KEY, MODEL, SCHEMA, URL, WEATHER, all, expect, rejects, weather } from "./steps.mjs";

const made = (apiKey) => new ChatOpenAI({ model: MODEL, apiKey, maxRetries: 0, configuration: { baseURL: URL } });
const model = made(KEY);

await all({
  async chat() {
    expect((await model.invoke(ASK)).content, "text");
  },
  async usage() {
    expect((await model.invoke(ASK)).usage_metadata.total_tokens, "tokens");
  },
  async stream() {
    const pieces = [];
    for await (const piece of await model.stream(ASK)) pieces.push(piece.content);
    expect(pieces.join(""), "text");
  },
  async tools() {
    const bound = model.bindTools([{ type: "function", function: { name: "weather", description: "w", parameters: WEATHER } }]);
    const first = await bound.invoke([{ role: "user", content: ASK_WEATHER }]);
    const call = expect(first.tool_calls, "tool call")[0];
    const result = { role: "tool", tool_call_id: call.id, content: weather(call.args) };
    expect((await bound.invoke([{ role: "user", content: ASK_WEATHER }, first, result])).content, "text");
  },
  async structured() {
    expect(await model.withStructuredOutput(SCHEMA, { name: "dog" }).invoke(ASK), "object");
  },
  async embeddings() {
    const embedder = new OpenAIEmbeddings({ model: EMBEDDER, apiKey: KEY, configuration: { baseURL: URL } });
    expect(await embedder.embedQuery("a dog"), "vector");
  },
  async errors() {
    await rejects((error) => error.status === 401, () => made("nw-wrong").invoke(ASK));
  },
});

// Ax: programs by signatures, over chats.
import { ai, ax } from "@ax-llm/ax";
import { ASK, ASK_WEATHER, EMBEDDER, KEY, MODEL, URL, all, called, expect, rejects, weather } from "./steps.mjs";

const made = (apiKey) => ai({ name: "openai", apiKey, apiURL: URL, config: { model: MODEL, embedModel: EMBEDDER, stream: false } });
const llm = made(KEY);
const chatPrompt = [{ role: "user", content: ASK }];
const functions = [{ name: "weather", description: "Tell the weather of a city.", parameters: { type: "object", properties: { city: { type: "string", description: "the city" } }, required: ["city"] }, func: weather }];

await all({
  async chat() {
    expect((await llm.chat({ chatPrompt })).results[0].content, "text");
  },
  async usage() {
    expect((await llm.chat({ chatPrompt })).modelUsage.tokens.completionTokens, "tokens");
  },
  async stream() {
    const pieces = [];
    const reader = (await llm.chat({ chatPrompt, modelConfig: { stream: true } }, { stream: true })).getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) pieces.push(next.value.results[0]?.content ?? "");
    expect(pieces.join(""), "pieces");
  },
  async tools() {
    const asked = [{ role: "user", content: ASK_WEATHER }];
    const [first] = (await llm.chat({ chatPrompt: asked, functions })).results;
    const call = expect(first.functionCalls, "tool call")[0];
    const given = call.function.params;
    const result = weather(typeof given === "string" ? JSON.parse(given) : given);
    asked.push({ role: "assistant", content: first.content ?? "", functionCalls: first.functionCalls }, { role: "function", functionId: call.id, result });
    expect((await llm.chat({ chatPrompt: asked, functions })).results[0].content, "text");
    expect(called, "call of the tool");
  },
  async structured() {
    const done = await ax("question:string -> name:string, age:number").forward(llm, { question: `${ASK}\nSAY name: Rex\nSAY age: 3` });
    expect(done.name === "Rex" && done.age === 3, "object");
  },
  async embeddings() {
    expect((await llm.embed({ texts: ["a dog"] })).embeddings[0], "vector");
  },
  async errors() {
    await rejects((error) => /401|uth/.test(`${error.status} ${error.name} ${error.message}`), () => made("nw-wrong").chat({ chatPrompt }));
  },
});

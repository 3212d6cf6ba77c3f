// multi-llm-ts, as desktop chats use it, over each of its engines for OpenAI's and Anthropic's wires.
import { Message, Plugin, igniteModel, loadModels } from "multi-llm-ts";
import { ASK, ASK_WEATHER, CLAUDE, KEY, MODEL, ROOT, URL, all, called, expect, rejects, weather } from "./steps.mjs";

const AT = process.env.AT ?? "openai";
const [engine, name, baseURL] = AT === "anthropic" ? ["anthropic", CLAUDE, ROOT] : ["openai", MODEL, URL];
const at = (apiKey) => ({ apiKey, baseURL, maxRetries: 0, preferResponses: AT === "responses", useOpenAIResponsesApi: AT === "responses" });
const can = { id: name, name, capabilities: { tools: true, vision: false, reasoning: false, caching: false, responses: AT === "responses" } };
const model = (key = KEY) => igniteModel(engine, can, at(key));
const thread = (content) => [new Message("system", "Be short."), new Message("user", content)];

class Weather extends Plugin {
  isEnabled() { return true; }
  getName() { return "weather"; }
  getDescription() { return "Tell the weather of a city."; }
  getParameters() { return [{ name: "city", type: "string", description: "The city.", required: true }]; }
  async execute(_, given) { return { told: weather(given) }; }
}

await all({
  async chat() {
    expect((await model().complete(thread(ASK))).content, "text");
    if (AT === "openai") expect((await loadModels("openai", at(KEY)))?.chat, "models");
  },
  async usage() {
    expect((await model().complete(thread(ASK), { usage: true })).usage.completion_tokens, "tokens");
  },
  async stream() {
    const pieces = [];
    for await (const piece of model().generate(thread(ASK), { usage: true })) pieces.push(piece);
    expect(pieces.filter((each) => each.type === "content").map((each) => each.text).join(""), "text");
  },
  async tools() {
    const asked = model();
    asked.addPlugin(new Weather());
    expect((await asked.complete(thread(ASK_WEATHER))).content, "text");
    expect(called, "call of the tool");
  },
  async errors() {
    await rejects((error) => /401/.test(`${error.status} ${error.message}`), () => model("nw-wrong").complete(thread(ASK)));
  },
});

// Genkit with its plugin for servers that speak OpenAI's words.
import { compatOaiModelRef, defineCompatOpenAIModel, openAICompatible } from "@genkit-ai/compat-oai";
import { genkit, z } from "genkit";
import { ASK, ASK_WEATHER, KEY, MODEL, URL, all, called, expect, rejects, weather } from "./steps.mjs";

const made = (apiKey) => genkit({
  plugins: [openAICompatible({
    name: "nodewise", apiKey, baseURL: URL, maxRetries: 0,
    initializer: async (client) => [defineCompatOpenAIModel({ name: MODEL, client, modelRef: compatOaiModelRef({ name: `nodewise/${MODEL}` }) })],
  })],
});
const ai = made(KEY);
const model = `nodewise/${MODEL}`;

await all({
  async chat() {
    expect((await ai.generate({ model, prompt: ASK })).text, "text");
  },
  async usage() {
    expect((await ai.generate({ model, prompt: ASK })).usage.outputTokens, "tokens");
  },
  async stream() {
    const { stream } = ai.generateStream({ model, prompt: ASK });
    const pieces = [];
    for await (const piece of stream) pieces.push(piece.text);
    expect(pieces, "pieces");
  },
  async tools() {
    const used = ai.defineTool({ name: "weather", description: "weather", inputSchema: z.object({ city: z.string() }), outputSchema: z.string() }, async (input) => weather(input));
    expect((await ai.generate({ model, prompt: ASK_WEATHER, tools: [used] })).text, "text");
    expect(called, "call of the tool");
  },
  async structured() {
    const done = await ai.generate({ model, prompt: `${ASK}\nSAY {"name": "Rex", "age": 3}`, output: { schema: z.object({ name: z.string(), age: z.number().int() }) } });
    expect(done.output?.name, "object");
  },
  async errors() {
    await rejects((error) => error.status === "UNAUTHENTICATED" || /401/.test(error.message), () => made("nw-wrong").generate({ model, prompt: ASK }));
  },
});

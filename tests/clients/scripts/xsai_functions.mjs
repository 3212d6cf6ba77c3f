// xsAI: small functions beside each other.
import { embedMany } from "@xsai/embed";
import { generateObject } from "@xsai/generate-object";
import { generateText } from "@xsai/generate-text";
import { streamText } from "@xsai/stream-text";
import { rawTool } from "@xsai/tool";
import { z } from "zod";
import { ASK, ASK_WEATHER, EMBEDDER, KEY, MODEL, URL, WEATHER, all, called, expect, rejects, weather } from "./steps.mjs";

const at = { baseURL: URL, apiKey: KEY, model: MODEL };
const asked = (content) => ({ ...at, messages: [{ role: "user", content }] });
const look = rawTool({ name: "weather", description: "Tell the weather.", parameters: WEATHER, execute: weather });

await all({
  async chat() {
    expect((await generateText(asked(ASK))).text, "text");
  },
  async usage() {
    const { usage } = await generateText(asked(ASK));
    expect(usage.total_tokens ?? usage.totalTokens, "tokens");
  },
  async stream() {
    let text = "";
    for await (const piece of (await streamText(asked(ASK))).textStream) text += piece;
    expect(text, "text");
  },
  async tools() {
    const made = await generateText({ ...asked(ASK_WEATHER), tools: [look], maxSteps: 3 });
    expect(called, "call of the tool");
    expect(made.text, "text");
  },
  async structured() {
    const schema = z.object({ name: z.string(), age: z.number().int() });
    expect((await generateObject({ ...asked(ASK), schema, schemaName: "dog" })).object.name, "object");
  },
  async embeddings() {
    const made = await embedMany({ ...at, model: EMBEDDER, input: ["a dog", "a cat"] });
    expect(made.embeddings[1].length, "vectors");
  },
  async errors() {
    await rejects((error) => /401|key/i.test(error.message), () => generateText({ ...asked(ASK), apiKey: "nw-wrong" }));
    await rejects((error) => /404|model/i.test(error.message), () => generateText({ ...asked(ASK), model: "no-such-model" }));
  },
});

// Effect's package for OpenAI, which speaks Responses.
import { LanguageModel, Tool, Toolkit } from "@effect/ai";
import { OpenAiClient, OpenAiLanguageModel } from "@effect/ai-openai";
import { FetchHttpClient } from "@effect/platform";
import { Chunk, Effect, Layer, Redacted, Schema, Stream } from "effect";
import { ASK, ASK_WEATHER, KEY, MODEL, URL, all, called, expect, rejects, weather } from "./steps.mjs";

function run(effect, key = KEY) {
  const client = OpenAiClient.layer({ apiKey: Redacted.make(key), apiUrl: URL }).pipe(Layer.provide(FetchHttpClient.layer));
  const model = OpenAiLanguageModel.layer({ model: MODEL }).pipe(Layer.provide(client));
  return Effect.runPromise(effect.pipe(Effect.provide(model)));
}

const Weather = Tool.make("weather", { description: "Tell the weather.", parameters: { city: Schema.String }, success: Schema.String });
const toolkit = Toolkit.make(Weather);
const handlers = toolkit.toLayer({ weather: (given) => Effect.sync(() => weather(given)) });

await all({
  async chat() {
    expect((await run(LanguageModel.generateText({ prompt: ASK }))).text, "text");
  },
  async usage() {
    expect((await run(LanguageModel.generateText({ prompt: ASK }))).usage.outputTokens, "tokens");
  },
  async stream() {
    const parts = Chunk.toReadonlyArray(await run(Stream.runCollect(LanguageModel.streamText({ prompt: ASK }))));
    expect(parts.filter((each) => each.type === "text-delta").map((each) => each.delta).join(""), "text");
  },
  async tools() {
    const done = await run(LanguageModel.generateText({ prompt: ASK_WEATHER, toolkit }).pipe(Effect.provide(handlers)));
    expect(done.toolResults, "result of the tool");
    expect(called, "call of the tool");
  },
  async structured() {
    const schema = Schema.Struct({ name: Schema.String, age: Schema.Int });
    expect((await run(LanguageModel.generateObject({ prompt: ASK, schema, objectName: "dog" }))).value.name, "object");
  },
  async errors() {
    await rejects((error) => /401|key/i.test(`${error.message} ${JSON.stringify(error)}`), () => run(LanguageModel.generateText({ prompt: ASK }), "nw-wrong"));
  },
});

// OpenRouter's own SDK, which checks each answer against its types: chats and responses.
import { OpenRouter } from "@openrouter/sdk";
import { ASK, ASK_WEATHER, EMBEDDER, KEY, MODEL, SCHEMA, URL, WEATHER, all, called, expect, rejects, weather } from "./steps.mjs";

const made = (apiKey) => new OpenRouter({ serverURL: URL, apiKey, retryConfig: { strategy: "none" } });
const client = made(KEY);
const messages = [{ role: "user", content: ASK }];
const send = (more, at = client) => at.chat.send({ chatRequest: { model: MODEL, messages, ...more } });

await all({
  async chat() {
    expect((await send()).choices[0].message.content, "text");
    const { output } = await client.beta.responses.send({ responsesRequest: { model: MODEL, input: ASK } });
    expect(output.find((item) => item.type === "message"), "text of a response");
  },
  async usage() {
    expect((await send()).usage.completionTokens, "tokens");
  },
  async stream() {
    const pieces = [];
    for await (const piece of await send({ stream: true })) pieces.push(piece);
    expect(pieces.map((piece) => piece.choices[0]?.delta.content ?? "").join(""), "text");
    expect(pieces.some((piece) => piece.usage?.completionTokens), "usage");
    const events = [];
    for await (const event of await client.beta.responses.send({ responsesRequest: { model: MODEL, input: ASK, stream: true } })) events.push(event.type);
    expect(events.at(-1) === "response.completed", "end of a response");
  },
  async tools() {
    const tools = [{ type: "function", function: { name: "weather", parameters: WEATHER } }];
    const asked = [{ role: "user", content: ASK_WEATHER }];
    const { message } = (await send({ messages: asked, tools })).choices[0];
    const [call] = expect(message.toolCalls, "tool call");
    asked.push(message, { role: "tool", toolCallId: call.id, content: weather(JSON.parse(call.function.arguments)) });
    expect((await send({ messages: asked, tools })).choices[0].message.content, "text");
    expect(called, "call of the tool");
  },
  async structured() {
    const responseFormat = { type: "json_schema", jsonSchema: { name: "dog", strict: true, schema: SCHEMA } };
    expect(JSON.parse((await send({ responseFormat })).choices[0].message.content).name, "object");
  },
  async embeddings() {
    const done = await client.embeddings.generate({ requestBody: { model: EMBEDDER, input: ["a dog", "a cat"] } });
    expect(done.data[1].embedding, "vectors");
  },
  async errors() {
    await rejects((error) => error.statusCode === 401, () => send({}, made("nw-wrong")));
    await rejects((error) => error.statusCode === 404, () => send({ model: "no-such-model" }));
  },
});

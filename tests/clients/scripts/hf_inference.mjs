// Hugging Face's client for JavaScript, at an endpoint of one's own.
import { InferenceClient } from "@huggingface/inference";
import { ASK, ASK_WEATHER, KEY, MODEL, SCHEMA, URL, WEATHER, all, called, expect, rejects, weather } from "./steps.mjs";

const at = (key) => new InferenceClient(key, { endpointUrl: URL });
const client = at(KEY);
const ask = { model: MODEL, messages: [{ role: "user", content: ASK }] };

await all({
  async chat() {
    expect((await client.chatCompletion(ask)).choices[0].message.content, "text");
  },
  async usage() {
    expect((await client.chatCompletion(ask)).usage.total_tokens, "tokens");
  },
  async stream() {
    const pieces = [];
    for await (const piece of client.chatCompletionStream(ask)) pieces.push(piece);
    expect(pieces.map((each) => each.choices[0]?.delta?.content ?? "").join(""), "text");
  },
  async tools() {
    const tools = [{ type: "function", function: { name: "weather", parameters: WEATHER } }];
    const messages = [{ role: "user", content: ASK_WEATHER }];
    const { message } = (await client.chatCompletion({ ...ask, messages, tools })).choices[0];
    const call = expect(message.tool_calls, "call of the tool")[0];
    messages.push(message, { role: "tool", tool_call_id: call.id, content: weather(JSON.parse(call.function.arguments)) });
    expect((await client.chatCompletion({ ...ask, messages, tools })).choices[0].message.content, "text");
    expect(called, "call of the tool");
  },
  async structured() {
    const response_format = { type: "json_schema", json_schema: { name: "dog", schema: SCHEMA, strict: true } };
    expect("name" in JSON.parse((await client.chatCompletion({ ...ask, response_format })).choices[0].message.content), "object");
  },
  async errors() {
    await rejects((error) => error.httpResponse?.status === 401, () => at("nw-wrong").chatCompletion(ask));
    await rejects((error) => error.httpResponse?.status === 404, () => client.chatCompletion({ ...ask, model: "no-such-model" }));
  },
});

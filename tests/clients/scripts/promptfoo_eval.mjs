// promptfoo's evaluations, over each of its providers for OpenAI's and Anthropic's wires.
import promptfoo from "promptfoo";
import { ASK, ASK_WEATHER, CLAUDE, EMBEDDER, KEY, MODEL, ROOT, SCHEMA, URL, WEATHER, all, expect } from "./steps.mjs";

const AT = process.env.AT ?? "openai:chat";
const claude = AT === "anthropic:messages";
const id = `${AT}:${claude ? CLAUDE : MODEL}`;
const at = (apiKey, more = {}) => ({ id, config: { apiKey, ...(claude ? { apiBaseUrl: ROOT } : { apiBaseUrl: URL }), max_tokens: 200, ...more } });
const function_ = { name: "weather", description: "Tell the weather.", parameters: WEATHER };
const tools = claude
  ? [{ name: "weather", description: "Tell the weather.", input_schema: WEATHER }]
  : [AT === "openai:responses" ? { type: "function", ...function_ } : { type: "function", function: function_ }];

async function evaluated(prompt, provider, assert = []) {
  const suite = { prompts: [prompt], providers: [provider], tests: [{ assert }], writeLatestResults: false };
  const { results } = await (await promptfoo.evaluate(suite, { maxConcurrency: 1, cache: false })).toEvaluateSummary();
  return results[0];
}

const passed = (row) => expect(row.success, `pass: ${row.error}`) && row;

await all({
  async chat() {
    expect(passed(await evaluated(ASK, at(KEY), [{ type: "javascript", value: "output.length > 0" }])).response.output, "text");
  },
  async usage() {
    expect((await evaluated(ASK, at(KEY))).response.tokenUsage.total, "tokens");
  },
  async tools() {
    const row = await evaluated(ASK_WEATHER, at(KEY, { tools }));
    expect(JSON.stringify(row.response.output).includes("weather"), `call of the tool: ${JSON.stringify(row.response)}`);
  },
  ...(claude ? {} : {
    async structured() {
      const json_schema = { name: "dog", schema: SCHEMA, strict: true };
      const response_format = AT === "openai:responses" ? { type: "json_schema", ...json_schema } : { type: "json_schema", json_schema };
      passed(await evaluated(ASK, at(KEY, { response_format }), [{ type: "is-json", value: SCHEMA }]));
    },
  }),
  ...(AT === "openai:chat" ? {
    async embeddings() {
      const provider = { id: `openai:embedding:${EMBEDDER}`, config: { apiKey: KEY, apiBaseUrl: URL } };
      passed(await evaluated(ASK, at(KEY), [{ type: "similar", value: "a dog", threshold: -1, provider }]));
    },
  } : {}),
  async errors() {
    expect(/401|key/i.test((await evaluated(ASK, at("nw-wrong"))).error), "error");
  },
});

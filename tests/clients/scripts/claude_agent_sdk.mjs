// Claude Code's agent SDK, which runs Claude Code itself.
import { createSdkMcpServer, query, tool } from "@anthropic-ai/claude-agent-sdk";
import { z } from "zod";
import { ASK, ASK_WEATHER, CLAUDE, KEY, ROOT, all, called, expect, weather } from "./steps.mjs";

const given = (key, more) => ({
  model: process.env.AT === "openai" ? process.env.NODEWISE_MODEL : CLAUDE,
  env: { ...process.env, ANTHROPIC_BASE_URL: ROOT, ANTHROPIC_API_KEY: key, CLAUDE_CODE_MAX_RETRIES: "0", ENABLE_TOOL_SEARCH: "false", CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1" },
  maxTurns: 4, settingSources: [], tools: [], ...more,
});

async function told(prompt, key = KEY, more = {}) {
  const found = [];
  for await (const message of query({ prompt, options: given(key, more) })) found.push(message);
  return found;
}

const last = (found) => found.find((each) => each.type === "result");

await all({
  async chat() {
    const result = last(await told(ASK));
    expect(!result.is_error && result.result, "text");
  },
  async usage() {
    expect(last(await told(ASK)).usage.output_tokens, "tokens");
  },
  async stream() {
    const found = await told(ASK, KEY, { includePartialMessages: true });
    expect(found.filter((each) => each.type === "stream_event" && each.event.delta?.text), "pieces");
  },
  async tools() {
    const used = tool("weather", "Tell the weather.", { city: z.string() }, async ({ city }) => ({ content: [{ type: "text", text: weather({ city }) }] }));
    const server = createSdkMcpServer({ name: "outside", version: "1.0.0", tools: [used] });
    const result = last(await told(ASK_WEATHER, KEY, { mcpServers: { outside: server }, allowedTools: ["mcp__outside__weather"] }));
    expect(!result.is_error && result.result, "text");
    expect(called, "call of the tool");
  },
  async errors() {
    let found = [];
    try {
      found = await told(ASK, "nw-wrong");
    } catch (error) {
      found = [{ type: "result", is_error: true, result: error.message }];
    }
    expect(last(found).is_error, "error");
  },
});

#!/bin/sh
# Package: @anthropic-ai/claude-agent-sdk 0.3.332 (npm), which brings Claude Code 2.1.332.
# Behaviour seen: query({ tools: [], mcpServers: {own} }), all built-in tools switched off, offers the model two tools: the
#   server's own, and before it {"name": "DeferredToolPlaceholder", "description": "… never call this tool.",
#   "defer_loading": true}, also to an ANTHROPIC_BASE_URL that isn't Anthropic's. A model that calls it all the same gets
#   "No such tool available" and has lost a turn. ENABLE_TOOL_SEARCH=false takes it away.
# One would guess: tools: [] with one MCP server offers the tools of that server, and nothing else.
# Why it matters: `defer_loading` is Anthropic's word. A server or gateway that doesn't know it shows the placeholder to the
#   model as the first of its tools; who must call some tool (tool_choice any, small models) may take that one.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --ignore-scripts --no-audit --no-fund @anthropic-ai/claude-agent-sdk@0.3.332 zod@4.6.7
cat > program.mjs <<'JS'
import { createServer } from "node:http";
import { createSdkMcpServer, query, tool } from "@anthropic-ai/claude-agent-sdk";
import { z } from "zod";

const asked = [];
const refusal = JSON.stringify({ type: "error", error: { type: "invalid_request_error", message: "Enough was seen." } });
const server = createServer((request, reply) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const text = Buffer.concat(parts).toString();
    if (request.url.startsWith("/v1/messages") && text) asked.push(JSON.parse(text));
    reply.writeHead(request.method === "HEAD" ? 200 : 400, { "content-type": "application/json", "x-should-retry": "false" });
    reply.end(request.method === "HEAD" ? undefined : refusal);
  });
});
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));

async function offered(more) {
  const own = createSdkMcpServer({ name: "own", version: "1.0.0", tools: [
    tool("weather", "Tell the weather.", { city: z.string() }, async () => ({ content: [{ type: "text", text: "sunny" }] })),
  ] });
  const env = { PATH: process.env.PATH, HOME: process.cwd(), ANTHROPIC_API_KEY: "sk-house",
    ANTHROPIC_BASE_URL: `http://127.0.0.1:${server.address().port}`, CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1", ...more };
  const before = asked.length;
  const options = { model: "house-model", env, tools: [], mcpServers: { own }, allowedTools: ["mcp__own__weather"], settingSources: [], maxTurns: 1 };
  try {
    for await (const _ of query({ prompt: "What is the weather in Bonn?", options }));
  } catch { /* the refusal */ }
  const first = asked.slice(before).find((each) => each.tools?.length);
  return first.tools.map((each) => `${each.name}${each.defer_loading ? " (defer_loading)" : ""}`);
}

const seen = [await offered({}), await offered({ ENABLE_TOOL_SEARCH: "false" })];
console.log("@anthropic-ai/claude-agent-sdk 0.3.332");
console.log("tools: [] offers", JSON.stringify(seen[0]), "| with ENABLE_TOOL_SEARCH=false", JSON.stringify(seen[1]));
const expected = [["DeferredToolPlaceholder (defer_loading)", "mcp__own__weather"], ["mcp__own__weather"]];
if (JSON.stringify(seen) !== JSON.stringify(expected)) {
  console.log("changed: other tools are offered now");
  process.exit(1);
}
console.log("as described: a tool that must not be called stands first");
process.exit(0);
JS
node program.mjs

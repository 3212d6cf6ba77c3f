// OpenAI's Codex, run without a person.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ASK, KEY, MODEL, SCHEMA, URL, all, expect } from "./steps.mjs";

const codex = fileURLToPath(new globalThis.URL("./node_modules/.bin/codex", import.meta.url));
const home = mkdtempSync(join(tmpdir(), "codex-"));
writeFileSync(join(home, "config.toml"), `
model = "${MODEL}"
model_provider = "nodewise"
[model_providers.nodewise]
name = "Nodewise"
base_url = "${URL}"
env_key = "NODEWISE_KEY"
wire_api = "responses"
supports_websockets = true
request_max_retries = 0
stream_max_retries = 0
`);

const PATCH = "apply_patch <<'EOF'\n*** Begin Patch\n*** Update File: dog.txt\n@@\n-wuff\n+miau\n*** End Patch\nEOF";
const COMMANDS = ["echo wuff > dog.txt", PATCH, "cat dog.txt"];
const call = (cmd) => `CALL exec_command ${JSON.stringify({ cmd })}`;

function run(prompt, key = KEY, ...more) {
  const done = spawnSync(codex, ["exec", "--json", "--skip-git-repo-check", ...more, prompt], {
    cwd: home, env: { ...process.env, CODEX_HOME: home, NODEWISE_KEY: key }, encoding: "utf-8", timeout: 120_000, input: "",
  });
  const events = done.stdout.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  return { status: done.status, events, said: done.stderr };
}

const answer = ({ events }) => events.filter((each) => each.item?.type === "agent_message").at(-1)?.item.text;

await all({
  async chat() {
    const done = run(ASK);
    expect(answer(done), `text: ${JSON.stringify(done.events)} ${done.said}`);
  },
  async usage() {
    expect(run(ASK).events.find((each) => each.type === "turn.completed")?.usage.output_tokens, "tokens");
  },
  async tools() {
    const { events } = run(COMMANDS.map(call).join("\n"), KEY, "--sandbox", "workspace-write");
    const items = events.filter((each) => each.type === "item.completed").map((each) => each.item);
    expect(items.some((each) => each.type === "file_change" && each.status === "completed"), "patch");
    const ran = items.filter((each) => each.type === "command_execution");
    expect(ran.some((each) => each.aggregated_output === "miau\n" && each.exit_code === 0), "changed file");
    expect(readFileSync(join(home, "dog.txt"), "utf-8") === "miau\n", "file");
    expect(answer({ events }), `answer after the tools: ${JSON.stringify(items)}`);
    const warned = items.filter((each) => each.type === "error").map((each) => each.message);
    expect(!warned.some((each) => /websocket|reconnect/i.test(each)), `silence, but: ${warned}`);
  },
  async structured() {
    const file = join(home, "schema.json");
    writeFileSync(file, JSON.stringify(SCHEMA));
    expect(JSON.parse(answer(run(ASK, KEY, "--output-schema", file))).name, "object");
  },
  async errors() {
    const done = run(ASK, "nw-wrong");
    expect(done.status !== 0 && JSON.stringify(done.events).includes("401"), "error");
  },
});

// OpenAI's Codex, run without a person.
import { spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
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
request_max_retries = 0
stream_max_retries = 0
`);

function run(prompt, key = KEY, ...more) {
  const done = spawnSync(codex, ["exec", "--json", "--skip-git-repo-check", "--sandbox", "read-only", ...more, prompt], {
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

// opencode, run without a person, over each of the AI SDK's packages that it brings.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ASK, CLAUDE, KEY, MODEL, URL, all, expect } from "./steps.mjs";

const opencode = fileURLToPath(new globalThis.URL("./node_modules/.bin/opencode", import.meta.url));
execFileSync("node", ["postinstall.mjs"], { cwd: fileURLToPath(new globalThis.URL("./node_modules/opencode-ai", import.meta.url)), stdio: "ignore" });
const npm = process.env.AT ?? "@ai-sdk/openai-compatible";
const id = npm === "@ai-sdk/anthropic" ? CLAUDE : MODEL;
const home = mkdtempSync(join(tmpdir(), "opencode-"));
const model = { name: id, tool_call: true, limit: { context: 32_000, output: 1_000 } };
writeFileSync(join(home, "opencode.json"), JSON.stringify({
  autoupdate: false, share: "disabled", small_model: `nodewise/${id}`,
  provider: { nodewise: { npm, name: "Nodewise", options: { baseURL: URL, apiKey: "{env:NODEWISE_KEY}" }, models: { [id]: model } } },
}));

// The prompt comes by stdin, for as an argument it is sent in quotation marks.
function run(prompt, key = KEY) {
  const done = spawnSync(opencode, ["run", "--format", "json", "--model", `nodewise/${id}`], {
    cwd: home, env: { ...process.env, HOME: home, OPENCODE_DISABLE_MODELS_FETCH: "1", NODEWISE_KEY: key }, encoding: "utf-8", timeout: 90_000, input: prompt,
  });
  const events = done.stdout.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  return { status: done.status, events, said: done.stderr };
}

const parts = ({ events }, type) => events.filter((each) => each.type === type).map((each) => each.part);

await all({
  async chat() {
    const done = run(ASK);
    expect(parts(done, "text").at(-1)?.text, `text: ${JSON.stringify(done.events)} ${done.said.slice(-300)}`);
  },
  async usage() {
    expect(parts(run(ASK), "step_finish").at(-1).tokens.output, "tokens");
  },
  async tools() {
    writeFileSync(join(home, "dog.txt"), "wuff\n");
    const read = { filePath: join(home, "dog.txt") };
    const edit = { ...read, oldString: "wuff", newString: "miau" };
    const done = run(`CALL read ${JSON.stringify(read)}\nCALL edit ${JSON.stringify(edit)}`);
    expect(readFileSync(join(home, "dog.txt"), "utf-8") === "miau\n", `file: ${JSON.stringify(done.events.slice(-5))}`);
    expect(parts(done, "text").at(-1)?.text, "answer after the tools");
  },
  async errors() {
    const done = run(ASK, "nw-wrong");
    expect(/401|key/.test(JSON.stringify(done.events.filter((each) => each.type === "error"))), `error: ${JSON.stringify(done.events)}`);
  },
});

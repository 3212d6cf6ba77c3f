// Cline's CLI, run without a person, at a provider that speaks OpenAI's chats.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ASK, KEY, MODEL, URL, all, expect } from "./steps.mjs";

const cline = fileURLToPath(new globalThis.URL("./node_modules/.bin/cline", import.meta.url));

const asked = (home, ...words) => spawnSync(cline, words, { cwd: home, env: { ...process.env, HOME: home }, encoding: "utf-8", timeout: 90_000, input: "" });

function homeFor(key) {
  const home = mkdtempSync(join(tmpdir(), "cline-"));
  const done = asked(home, "auth", "-p", "openai-compatible", "-k", key, "-m", MODEL, "-b", URL);
  expect(done.status === 0, `login: ${done.stdout} ${done.stderr}`);
  return home;
}

const home = homeFor(KEY);

function run(prompt, at = home) {
  const done = asked(at, "--json", "--provider", "openai-compatible", "--retries", "1", prompt);
  const events = done.stdout.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  return { events, result: events.find((each) => each.type === "run_result"), printed: `${done.stdout.slice(-600)} ${done.stderr.slice(-300)}` };
}

await all({
  async chat() {
    const { result, printed } = run(ASK);
    expect(result?.text, `text: ${printed}`);
  },
  async usage() {
    expect(run(ASK).result.usage.outputTokens, "tokens");
  },
  async tools() {
    const file = join(home, "dog.txt");
    writeFileSync(file, "wuff\n");
    const edit = { commands: ["sed -i s/wuff/miau/ dog.txt", "cat dog.txt"] };
    const { result, printed } = run(`CALL run_commands ${JSON.stringify(edit)}`);
    expect(readFileSync(file, "utf-8") === "miau\n", `file: ${printed}`);
    expect(result.text, "answer after the tool");
  },
  async errors() {
    const { result, printed } = run(ASK, homeFor("nw-wrong"));
    expect(result?.finishReason !== "completed" && /401|key/i.test(printed), `error: ${printed}`);
  },
});

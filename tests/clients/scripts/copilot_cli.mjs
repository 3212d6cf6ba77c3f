// GitHub's Copilot CLI with a provider of one's own, run without a person, over each of its three wires.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ASK, CLAUDE, KEY, MODEL, ROOT, URL, all, expect } from "./steps.mjs";

const copilot = fileURLToPath(new globalThis.URL("./node_modules/.bin/copilot", import.meta.url));
const AT = process.env.AT ?? "completions";
const atAnthropic = AT === "anthropic";
const home = mkdtempSync(join(tmpdir(), "copilot-"));

function run(prompt, key = KEY) {
  const env = {
    ...process.env, HOME: home, COPILOT_OFFLINE: "true", COPILOT_PROVIDER_API_KEY: key, COPILOT_MODEL: atAnthropic ? CLAUDE : MODEL,
    COPILOT_PROVIDER_TYPE: atAnthropic ? "anthropic" : "openai", COPILOT_PROVIDER_BASE_URL: atAnthropic ? ROOT : URL,
    ...(atAnthropic ? {} : { COPILOT_PROVIDER_WIRE_API: AT }),
  };
  const done = spawnSync(copilot, ["--allow-all", "--no-custom-instructions", "--output-format", "json", "-p", prompt], {
    cwd: home, env, encoding: "utf-8", timeout: 90_000, input: "",
  });
  const events = done.stdout.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  return { status: done.status, events, said: done.stderr, printed: done.stdout };
}

const of = ({ events }, type) => events.filter((each) => each.type === type).map((each) => each.data);
const told = (done) => `${done.printed.slice(-500)} ${done.said.slice(-300)}`;

await all({
  async chat() {
    const done = run(ASK);
    expect(of(done, "assistant.message").at(-1)?.content, `text: ${told(done)}`);
  },
  async stream() {
    expect(of(run(ASK), "assistant.message_delta"), "pieces");
  },
  async tools() {
    const file = join(home, "dog.txt");
    writeFileSync(file, "wuff\n");
    const done = run(`CALL bash ${JSON.stringify({ command: "cat dog.txt", description: "read" })}\nCALL edit ${JSON.stringify({ path: file, old_str: "wuff", new_str: "miau" })}`);
    expect(readFileSync(file, "utf-8") === "miau\n", `file: ${told(done)}`);
    expect(of(done, "assistant.message").at(-1)?.content, "answer after the tools");
  },
  async errors() {
    const done = run(ASK, "nw-wrong");
    expect(done.status !== 0 && /401|key/i.test(`${done.printed} ${done.said}`), `error: ${told(done)}`);
  },
});

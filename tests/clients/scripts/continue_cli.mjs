// Continue's CLI, run without a person.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CLAUDE, KEY, MODEL, URL, all, expect } from "./steps.mjs";

const cn = fileURLToPath(new globalThis.URL("./node_modules/.bin/cn", import.meta.url));
const home = mkdtempSync(join(tmpdir(), "continue-"));
const provider = process.env.AT;
const model = provider === "anthropic" ? CLAUDE : MODEL;

function run(prompt, key = KEY) {
  const config = join(home, `${key.slice(-5)}.json`);
  const chat = { name: "chat", provider, model, apiBase: `${URL}/`, apiKey: key, roles: ["chat"], capabilities: ["tool_use"] };
  writeFileSync(config, JSON.stringify({ name: "nodewise", version: "1.0.0", schema: "v1", models: [chat] }));
  const done = spawnSync(cn, ["--config", config, "--auto", "-p", prompt], { cwd: home, env: { ...process.env, HOME: home }, encoding: "utf-8", timeout: 90_000, input: "" });
  return { ...done, said: `${done.stdout.slice(-400)} ${done.stderr.slice(-400)}` };
}

await all({
  async chat() {
    const done = run("SAY a dog");
    expect(done.stdout.includes("a dog"), `text: ${done.said}`);
  },
  async tools() {
    writeFileSync(join(home, "dog.txt"), "wuff\n");
    const done = run(`CALL Bash ${JSON.stringify({ command: "sed -i s/wuff/miau/ dog.txt" })}`);
    expect(readFileSync(join(home, "dog.txt"), "utf-8") === "miau\n", `file: ${done.said}`);
    expect(done.stdout.trim(), "answer after the tool");
  },
  async errors() {
    const done = run("SAY a dog", "nw-wrong");
    expect(done.status !== 0 || /401|key/i.test(done.said), `refusal: ${done.said}`);
  },
});

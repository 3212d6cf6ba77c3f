// grok-cli, run without a person.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ASK, KEY, MODEL, URL, all, expect } from "./steps.mjs";

const grok = fileURLToPath(new globalThis.URL("./node_modules/.bin/grok", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "grok-"));

function run(prompt, key = KEY) {
  const env = { ...process.env, HOME: folder, GROK_API_KEY: key, GROK_BASE_URL: URL, GROK_MODEL: MODEL };
  const done = spawnSync(grok, ["--directory", folder, "--prompt", prompt], { cwd: folder, env, encoding: "utf-8", timeout: 90_000, input: "" });
  const messages = done.stdout.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  return { messages, said: `${done.stdout.slice(-300)} ${done.stderr.slice(-300)}` };
}

await all({
  async chat() {
    const { messages, said } = run(ASK);
    expect(messages.at(-1)?.role === "assistant" && messages.at(-1).content && !/error/i.test(said), `text: ${said}`);
  },
  async tools() {
    const { messages, said } = run(`CALL bash ${JSON.stringify({ command: "echo wuff > dog.txt" })}`);
    expect(readFileSync(join(folder, "dog.txt"), "utf-8") === "wuff\n", `file: ${said}`);
    expect(messages.at(-1).role === "assistant" && messages.at(-1).content, `answer after the tool: ${said}`);
  },
  async errors() {
    const { said } = run(ASK, "nw-wrong");
    expect(/401|key/i.test(said), `error: ${said}`);
  },
});

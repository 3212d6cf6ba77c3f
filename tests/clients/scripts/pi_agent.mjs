// pi, the coding agent, run without a person, over each of its three wires.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ASK, CLAUDE, KEY, MODEL, ROOT, URL, all, expect } from "./steps.mjs";

const pi = fileURLToPath(new globalThis.URL("./node_modules/.bin/pi", import.meta.url));
const AT = process.env.AT ?? "openai-completions";
const [baseUrl, id] = AT === "anthropic-messages" ? [ROOT, CLAUDE] : [URL, MODEL];
const home = mkdtempSync(join(tmpdir(), "pi-"));
mkdirSync(join(home, "agent"));
const provider = { baseUrl, api: AT, apiKey: "NODEWISE_KEY", models: [{ id, reasoning: false, input: ["text"], contextWindow: 32_000, maxTokens: 1_000 }] };
writeFileSync(join(home, "agent", "models.json"), JSON.stringify({ providers: { nodewise: provider } }));

function run(prompt, key = KEY) {
  const done = spawnSync(pi, ["--mode", "json", "--no-session", "--provider", "nodewise", "--model", id, "-p", prompt], {
    cwd: home, env: { ...process.env, PI_CODING_AGENT_DIR: join(home, "agent"), PI_OFFLINE: "1", NODEWISE_KEY: key }, encoding: "utf-8", timeout: 60_000, input: "",
  });
  const events = done.stdout.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  return { status: done.status, events, said: done.stderr };
}

const ends = ({ events }) => events.filter((each) => each.type === "message_end" && each.message.role === "assistant").map((each) => each.message);
const text = (message) => message?.content.filter((part) => part.type === "text").map((part) => part.text).join("");

await all({
  async chat() {
    const done = run(ASK);
    expect(text(ends(done).at(-1)), `text: ${JSON.stringify(done.events.slice(-3))} ${done.said}`);
  },
  async usage() {
    expect(ends(run(ASK)).at(-1).usage.output, "tokens");
  },
  async stream() {
    const updates = run(ASK).events.filter((each) => each.type === "message_update");
    expect(updates.filter((each) => each.assistantMessageEvent?.type === "text_delta"), "pieces");
  },
  async tools() {
    writeFileSync(join(home, "dog.txt"), "wuff\n");
    const edit = { path: "dog.txt", edits: [{ oldText: "wuff", newText: "miau" }] };
    const done = run(`CALL bash ${JSON.stringify({ command: "cat dog.txt" })}\nCALL edit ${JSON.stringify(edit)}`);
    expect(readFileSync(join(home, "dog.txt"), "utf-8") === "miau\n", `file: ${JSON.stringify(done.events.slice(-5))}`);
    expect(text(ends(done).at(-1)), "answer after the tools");
  },
  async errors() {
    const done = run(ASK, "nw-wrong");
    expect(ends(done).some((each) => each.stopReason === "error" && each.errorMessage.includes("401")), `error: ${JSON.stringify(done.events.slice(-3))}`);
  },
});

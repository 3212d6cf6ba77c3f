// Qwen Code, run without a person, over OpenAI's chats or Anthropic's messages.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ASK, CLAUDE, KEY, MODEL, ROOT, SCHEMA, URL, all, expect } from "./steps.mjs";

const qwen = fileURLToPath(new globalThis.URL("./node_modules/.bin/qwen", import.meta.url));
const AT = process.env.AT ?? "openai";
const id = AT === "anthropic" ? CLAUDE : MODEL;
const home = mkdtempSync(join(tmpdir(), "qwen-"));

function run(prompt, key = KEY, ...more) {
  const env = { ...process.env, HOME: home, OPENAI_API_KEY: key, OPENAI_BASE_URL: URL, ANTHROPIC_API_KEY: key, ANTHROPIC_BASE_URL: ROOT };
  const done = spawnSync(qwen, ["--auth-type", AT, "--model", id, "--yolo", "--output-format", "stream-json", "--include-partial-messages", ...more, prompt], {
    cwd: home, env, encoding: "utf-8", timeout: 90_000, input: "",
  });
  const events = done.stdout.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  return { status: done.status, events, said: done.stderr };
}

const result = ({ events }) => events.find((each) => each.type === "result");
const told = (done) => JSON.stringify([done.events.slice(-2), done.said.slice(-300)]);

await all({
  async chat() {
    const done = run(ASK);
    expect(result(done)?.result, `text: ${told(done)}`);
  },
  async usage() {
    expect(result(run(ASK)).usage.output_tokens, "tokens");
  },
  async stream() {
    expect(run(ASK).events.filter((each) => each.type === "stream_event" && each.event.delta?.type === "text_delta"), "pieces");
  },
  async tools() {
    const file = join(home, "dog.txt");
    writeFileSync(file, "wuff\n");
    const edit = { file_path: file, old_string: "wuff", new_string: "miau" };
    const done = run(`CALL read_file ${JSON.stringify({ file_path: file })}\nCALL edit ${JSON.stringify(edit)}`);
    expect(readFileSync(file, "utf-8") === "miau\n", `file: ${told(done)}`);
    expect(result(done).result, "answer after the tools");
  },
  async structured() {
    const done = run(`CALL structured_output ${JSON.stringify({ name: "Rex", age: 3 })}`, KEY, "--json-schema", JSON.stringify(SCHEMA));
    expect(JSON.stringify(result(done)).includes("Rex"), `object: ${told(done)}`);
  },
  async errors() {
    const done = run(ASK, "nw-wrong");
    expect(done.status !== 0 && /401/.test(JSON.stringify(done)), `error: ${told(done)}`);
  },
});

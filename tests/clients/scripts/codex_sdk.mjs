// Codex by its SDK, with its sandbox off, so that it offers a live search beside its tools.
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Codex } from "@openai/codex-sdk";
import { ASK, KEY, MODEL, SCHEMA, URL, all, expect, rejects } from "./steps.mjs";

const folder = mkdtempSync(join(tmpdir(), "codex-work-"));
const nodewise = { name: "Nodewise", base_url: URL, env_key: "NODEWISE_KEY", wire_api: "responses", request_max_retries: 0, stream_max_retries: 0 };

function thread(key = KEY) {
  const env = { ...process.env, NODEWISE_KEY: key, CODEX_HOME: mkdtempSync(join(tmpdir(), "codex-")) };
  const codex = new Codex({ env, config: { model_provider: "nodewise", model_providers: { nodewise } } });
  return codex.startThread({ model: MODEL, skipGitRepoCheck: true, workingDirectory: folder, sandboxMode: "danger-full-access", approvalPolicy: "never" });
}

await all({
  async chat() {
    expect((await thread().run("SAY a dog")).finalResponse, "text");
  },
  async usage() {
    expect((await thread().run("SAY a dog")).usage.output_tokens, "tokens");
  },
  async tools() {
    const done = await thread().run(`CALL exec_command ${JSON.stringify({ cmd: "echo wuff > dog.txt" })}`);
    expect(readFileSync(join(folder, "dog.txt"), "utf-8") === "wuff\n", "file");
    expect(done.finalResponse, "answer after the tool");
  },
  async structured() {
    const done = await thread().run(ASK, { outputSchema: SCHEMA });
    expect(JSON.parse(done.finalResponse).name, "object");
  },
  async errors() {
    await rejects((error) => /401|key/i.test(error.message), () => thread("nw-wrong").run(ASK));
  },
});

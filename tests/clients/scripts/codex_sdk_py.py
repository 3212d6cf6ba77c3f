"""Codex by its SDK for Python, with its sandbox off."""

import json
import os
import tempfile
from pathlib import Path

from openai_codex import ApprovalMode, Codex, CodexConfig, Sandbox
from steps import ASK, KEY, MODEL, SCHEMA, URL, expect, main, raises, step

folder = Path(tempfile.mkdtemp())
PROVIDER = {
    "name": '"Nodewise"',
    "base_url": f'"{URL}"',
    "env_key": '"NODEWISE_KEY"',
    "wire_api": '"responses"',
    "request_max_retries": "0",
    "stream_max_retries": "0",
}


def run(prompt, key=KEY, **more):
    home = tempfile.mkdtemp()
    told = tuple(f"model_providers.nodewise.{name}={value}" for name, value in PROVIDER.items())
    env = {**os.environ, "NODEWISE_KEY": key, "CODEX_HOME": home}
    with Codex(CodexConfig(config_overrides=told, env=env, cwd=str(folder))) as codex:
        thread = codex.thread_start(
            model=MODEL, model_provider="nodewise", cwd=str(folder), sandbox=Sandbox.full_access,
            approval_mode=ApprovalMode.deny_all,
        )  # fmt: skip
        return thread.run(prompt, **more)


@step("chat")
def chat():
    expect("a dog" in run("SAY a dog").final_response, "text")


@step("usage")
def usage():
    expect(run("SAY a dog").usage.total.output_tokens, "tokens")


@step("tools")
def tools():
    done = run(f"CALL exec_command {json.dumps({'cmd': 'echo wuff > dog.txt'})}")
    expect((folder / "dog.txt").read_text(encoding="utf-8") == "wuff\n", "file")
    expect(done.final_response, "answer after the tool")


@step("structured")
def structured():
    expect(json.loads(run(ASK, output_schema=SCHEMA).final_response)["name"], "object")


@step("errors")
def errors():
    raises(RuntimeError, lambda: run(ASK, "nw-wrong"))


main()

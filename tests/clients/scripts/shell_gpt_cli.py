"""shell-gpt's command line."""

import os
import subprocess
import sys
from pathlib import Path

from steps import ASK, KEY, MODEL, URL, expect, main, step

SGPT = Path(sys.executable).with_name("sgpt")
SETTINGS = {"API_BASE_URL": URL, "DEFAULT_MODEL": MODEL, "PRETTIFY_MARKDOWN": "false"}


def run(*words, key=KEY):
    told = {**os.environ, **SETTINGS, "OPENAI_API_KEY": key}
    return subprocess.run(
        [SGPT, "--no-cache", *words], env=told, capture_output=True, text=True, timeout=90,
        check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@step("stream")
def stream():
    done = run(ASK)
    expect(done.stdout.strip(), f"text: {done.stderr[-300:]}")


@step("chat")
def chat():
    run("--chat", "dogs", ASK)
    done = run("--chat", "dogs", "And in three?")
    expect(done.stdout.strip(), f"text of the second turn: {done.stderr[-300:]}")


@step("errors")
def errors():
    done = run(ASK, key="nw-wrong")
    expect(done.returncode and "401" in done.stderr, f"error: {done.stderr[-300:]}")


main()

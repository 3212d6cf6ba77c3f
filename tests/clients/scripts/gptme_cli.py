"""gptme, run without a person."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from steps import ASK, KEY, MODEL, URL, expect, main, step

GPTME = Path(sys.executable).with_name("gptme")
folder = Path(tempfile.mkdtemp())


def run(prompt, key=KEY):
    told = {**os.environ, "OPENAI_BASE_URL": URL, "OPENAI_API_KEY": key, "TOOL_FORMAT": "tool"}
    words = ["--non-interactive", "--no-confirm", "--model", f"local/{MODEL}", "--tools", "shell"]
    return subprocess.run(
        [GPTME, *words, "--tool-format", "tool", "--workspace", str(folder), prompt], env=told,
        cwd=folder, capture_output=True, text=True, timeout=120, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def printed(done):
    return f"{done.stdout[-400:]} {done.stderr[-400:]}"


@step("stream")
def stream():
    done = run(ASK)
    expect(done.returncode == 0 and "Assistant" in done.stdout, f"text: {printed(done)}")


@step("tools")
def tools():
    done = run('CALL shell {"command": "echo wuff > dog.txt"}')
    expect((folder / "dog.txt").exists(), f"file: {printed(done)}")


@step("errors")
def errors():
    done = run(ASK, key="nw-wrong")
    expect("401" in done.stdout + done.stderr, f"error: {printed(done)}")


main()

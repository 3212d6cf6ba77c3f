"""What the scripts share: where `/v1` is, a tool, and a line of JSON for each step that ran."""

import asyncio
import inspect
import json
import os
import sys
from collections.abc import Callable
from typing import Any

URL = os.environ["NODEWISE_URL"]  # ends in /v1
ROOT = URL.removesuffix("/v1")
KEY = os.environ["NODEWISE_KEY"]
MODEL = os.environ["NODEWISE_MODEL"]
EMBEDDER = os.environ["NODEWISE_EMBEDDER"]
CLAUDE = os.environ["NODEWISE_CLAUDE"]  # the same at a provider that speaks Anthropic's wire
ASK = "Describe one dog in five words."
ASK_WEATHER = "What is the weather in Bonn? Use the tool."
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
called: list[str] = []
_steps: list[tuple[str, Callable[[], Any]]] = []


def weather(city: str) -> str:
    """Tell the weather of a city.

    Args:
        city: The city's name.
    """
    called.append(city)
    return f"It is sunny in {city}."


def step(name: str) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Have a function run as the step of this name."""

    def keep(run: Callable[[], Any]) -> Callable[[], Any]:
        _steps.append((name, run))
        return run

    return keep


def expect(found: Any, what: str) -> Any:
    """The value, unless it is blank."""
    if not found:
        raise AssertionError(f"no {what}: {found!r}")
    return found


def raises(kinds: Any, run: Callable[[], Any]) -> None:
    """Check that it raises one of these; anything else is shown."""
    try:
        done = run()
        if inspect.iscoroutine(done):
            asyncio.run(done)
    except kinds:
        return
    except BaseException as error:
        raise AssertionError(f"raised {type(error).__name__}: {error}") from error
    raise AssertionError("raised nothing")


def used_tool() -> None:
    """Check that the tool was called since the last time."""
    expect(called, "call of the tool")
    called.clear()


def forget() -> None:
    """Have no steps, for the next script in the same process."""
    _steps.clear()


def main() -> None:
    """Run the steps in their order, whatever becomes of the others."""
    for name, run in _steps:
        called.clear()
        try:
            done = run()
            if inspect.iscoroutine(done):
                asyncio.run(done)
            told = {"step": name, "ok": True}
        except BaseException as error:
            text = " ".join(f"{type(error).__name__}: {error}".split())
            told = {"step": name, "ok": False, "why": text[:300]}
        sys.stdout.write(f"\n@@{json.dumps(told)}\n")
        sys.stdout.flush()

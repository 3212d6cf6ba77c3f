"""Open Interpreter, which writes code and runs it."""

import tempfile
from pathlib import Path

from interpreter import OpenInterpreter
from steps import ASK, KEY, MODEL, URL, expect, main, raises, step

folder = Path(tempfile.mkdtemp())


def interpreter(key=KEY):
    made = OpenInterpreter(
        auto_run=True, offline=True, disable_telemetry=True, conversation_history=False
    )
    made.llm.model = f"openai/{MODEL}"
    made.llm.api_base, made.llm.api_key = URL, key
    made.llm.context_window, made.llm.max_tokens = 8000, 500
    made.llm.supports_functions = True
    return made


@step("chat")
def chat():
    expect(interpreter().chat(ASK, display=False)[-1]["content"], "text")


@step("stream")
def stream():
    told = interpreter().chat(ASK, display=False, stream=True)
    expect(len([each for each in told if each.get("type") == "message"]) > 1, "pieces")


@step("tools")
def tools():
    path = folder / "dog.txt"
    code = f'{{"language": "shell", "code": "echo wuff > {path}"}}'
    interpreter().chat(f"CALL execute {code}", display=False)
    expect(path.read_text(encoding="utf-8") == "wuff\n", "file")


@step("errors")
def errors():
    raises(Exception, lambda: interpreter("nw-wrong").chat(ASK, display=False))


main()

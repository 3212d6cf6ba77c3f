"""chatlas, at both vendors' addresses."""

import os

import anthropic
import openai
import pydantic
from chatlas import ChatAnthropic, ChatOpenAICompletions
from steps import (
    ASK,
    ASK_WEATHER,
    CLAUDE,
    KEY,
    MODEL,
    ROOT,
    URL,
    expect,
    main,
    raises,
    step,
    used_tool,
    weather,
)

CLAUDES = os.environ["AT"] == "anthropic"


def made(key=KEY):
    if CLAUDES:
        return ChatAnthropic(model=CLAUDE, api_key=key, kwargs={"base_url": ROOT, "max_retries": 0})
    return ChatOpenAICompletions(model=MODEL, api_key=key, base_url=URL, kwargs={"max_retries": 0})


class Dog(pydantic.BaseModel):
    name: str
    age: int


@step("chat")
def chat():
    expect(str(made().chat(ASK, echo="none", stream=False)), "text")


@step("stream")
def stream():
    expect("".join(made().stream(ASK, echo="none")), "text")


@step("usage")
def usage():
    asked = made()
    asked.chat(ASK, echo="none")
    expect(asked.get_tokens(), "tokens")


@step("tools")
def tools():
    asked = made()
    asked.register_tool(weather)
    expect(str(asked.chat(ASK_WEATHER, echo="none")), "text")
    used_tool()


@step("structured")
def structured():
    expect(made().chat_structured(ASK, data_model=Dog, echo="none").name, "object")


@step("errors")
def errors():
    kind = anthropic.AuthenticationError if CLAUDES else openai.AuthenticationError
    raises(kind, lambda: str(made("nw-wrong").chat(ASK, echo="none")))


main()

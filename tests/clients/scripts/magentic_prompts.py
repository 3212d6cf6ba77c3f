"""magentic."""

import openai
import pydantic
from magentic import FunctionCall, OpenaiChatModel, prompt
from steps import ASK, ASK_WEATHER, KEY, MODEL, URL, expect, main, raises, step, used_tool, weather


class Dog(pydantic.BaseModel):
    """A structured answer."""

    name: str
    age: int


def model(key=KEY):
    return OpenaiChatModel(MODEL, base_url=URL, api_key=key)


@step("chat")
def chat():
    @prompt(ASK, model=model())
    def ask() -> str: ...

    expect(ask(), "text")


@step("structured")
def structured():
    @prompt(ASK, model=model())
    def ask() -> Dog: ...

    expect(ask(), "object")


@step("tools")
def tools():
    @prompt(ASK_WEATHER, model=model(), functions=[weather])
    def ask() -> FunctionCall[str]: ...

    expect(ask()(), "result")
    used_tool()


@step("errors")
def errors():
    @prompt(ASK, model=model("nw-wrong"))
    def ask() -> str: ...

    raises(openai.AuthenticationError, ask)


main()

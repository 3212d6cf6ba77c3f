"""Mirascope: responses, its default, and chat completions."""

import os

import pydantic
from mirascope import llm
from steps import ASK, ASK_WEATHER, KEY, MODEL, URL, expect, main, raises, step, used_tool, weather

os.environ["OPENAI_BASE_URL"], os.environ["OPENAI_API_KEY"] = URL, KEY
llm.register_provider("openai", "openai/", api_key=KEY, base_url=URL)
name = f"openai/{MODEL}{os.environ.get('AT', '')}"


class Dog(pydantic.BaseModel):
    """A structured answer."""

    name: str
    age: int


@step("chat")
def chat():
    expect(llm.model(name).call(ASK).text(), "text")


@step("usage")
def usage():
    expect(llm.model(name).call(ASK).usage.output_tokens, "tokens")


@step("stream")
def stream():
    expect("".join(llm.model(name).stream(ASK).text_stream()), "text")


@step("tools")
def tools():
    done = llm.model(name).call(ASK_WEATHER, tools=[llm.tool(weather)])
    expect(done.resume(done.execute_tools()).text(), "text")
    used_tool()


@step("structured")
def structured():
    expect(llm.model(name).call(ASK, format=Dog).parse(), "object")


@step("errors")
def errors():
    llm.register_provider("openai", "openai/", api_key="nw-wrong", base_url=URL)
    raises(llm.AuthenticationError, lambda: llm.model(name).call(ASK))


main()

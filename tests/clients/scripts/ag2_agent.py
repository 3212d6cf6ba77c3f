"""AG2's agents, over each of three wires."""

import os

import anthropic
import openai
import pydantic
from ag2 import Agent, tool
from ag2.config import AnthropicConfig, OpenAIConfig, OpenAIResponsesConfig
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

AT = os.environ["AT"]


class Dog(pydantic.BaseModel):
    """A structured answer."""

    name: str
    age: int


def agent(key=KEY, **more):
    given = {"api_key": key, "max_retries": 0, "streaming": more.pop("streaming", False)}
    if AT == "anthropic":
        config = AnthropicConfig(model=CLAUDE, base_url=ROOT, **given)
    elif AT == "responses":
        config = OpenAIResponsesConfig(model=MODEL, base_url=URL, **given)
    else:
        config = OpenAIConfig(model=MODEL, base_url=URL, **given)
    return Agent("dogs", config=config, **more)


@tool
async def tell_weather(city: str) -> str:
    """Tell the weather of a city."""
    return weather(city)


@step("chat")
async def chat():
    reply = await agent().ask(ASK)
    expect(reply.body, "text")
    expect((await reply.ask("And in three?")).body, "text of the second turn")


@step("stream")
async def stream():
    expect((await agent(streaming=True).ask(ASK)).body, "text")


@step("usage")
async def usage():
    told = await (await agent().ask(ASK)).usage()
    expect(told.total.completion_tokens, f"tokens: {told}")


@step("tools")
async def tools():
    expect((await agent(tools=[tell_weather]).ask(ASK_WEATHER)).body, "text")
    used_tool()


@step("structured")
async def structured():
    reply = await agent(response_schema=Dog).ask(ASK)
    expect((await reply.content()).name, "object")


@step("errors")
def errors():
    kinds = (openai.AuthenticationError, anthropic.AuthenticationError)
    raises(kinds, lambda: agent("nw-wrong").ask(ASK))


main()

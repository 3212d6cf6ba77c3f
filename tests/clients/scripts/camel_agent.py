"""CAMEL."""

import openai
import pydantic
from camel.agents import ChatAgent
from camel.models import ModelFactory
from camel.toolkits import FunctionTool
from camel.types import ModelPlatformType
from steps import ASK, ASK_WEATHER, KEY, MODEL, URL, expect, main, raises, step, used_tool, weather


class Dog(pydantic.BaseModel):
    """A structured answer."""

    name: str
    age: int


def agent(key=KEY, **more):
    kind = ModelPlatformType.OPENAI_COMPATIBLE_MODEL
    model = ModelFactory.create(
        model_platform=kind, model_type=MODEL, url=URL, api_key=key, max_retries=0
    )
    return ChatAgent("You help.", model=model, **more)


@step("chat")
def chat():
    expect(agent().step(ASK).msgs[0].content, "text")


@step("usage")
def usage():
    expect(agent().step(ASK).info["usage"]["total_tokens"], "tokens")


@step("tools")
def tools():
    expect(agent(tools=[FunctionTool(weather)]).step(ASK_WEATHER).msgs[0].content, "text")
    used_tool()


@step("structured")
def structured():
    expect(agent().step(ASK, response_format=Dog).msgs[0].parsed, "object")


@step("errors")
def errors():
    raises((openai.AuthenticationError, Exception), lambda: agent("nw-wrong").step(ASK))


main()

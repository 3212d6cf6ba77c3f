"""Strands Agents."""

import pydantic
from steps import ASK, ASK_WEATHER, KEY, MODEL, URL, expect, main, raises, step, used_tool, weather
from strands import Agent, tool
from strands.models.openai import OpenAIModel


class Dog(pydantic.BaseModel):
    """A structured answer."""

    name: str
    age: int


def agent(key=KEY, **more):
    arguments = {"base_url": URL, "api_key": key, "max_retries": 0}
    return Agent(
        model=OpenAIModel(client_args=arguments, model_id=MODEL), callback_handler=None, **more
    )


@step("chat")
def chat():
    expect(str(agent()(ASK)), "text")


@step("usage")
def usage():
    expect(agent()(ASK).metrics.accumulated_usage["totalTokens"], "tokens")


@step("stream")
async def stream():
    expect([each async for each in agent().stream_async(ASK) if "data" in each], "pieces")


@step("tools")
def tools():
    expect(str(agent(tools=[tool(weather)])(ASK_WEATHER)), "text")
    used_tool()


@step("structured")
def structured():
    expect(agent().structured_output(Dog, ASK), "object")


@step("errors")
def errors():
    import openai

    raises(openai.AuthenticationError, lambda: agent("nw-wrong")(ASK))


main()

"""Agno."""

import os

import pydantic
from agno.agent import Agent
from agno.models.openai import OpenAIChat, OpenAIResponses
from steps import ASK, ASK_WEATHER, KEY, MODEL, URL, expect, main, step, used_tool, weather

kind = {"responses": OpenAIResponses, "chat": OpenAIChat}[os.environ.get("AT", "chat")]


def agent(key=KEY, **more):
    return Agent(
        model=kind(id=MODEL, base_url=URL, api_key=key, max_retries=0), telemetry=False, **more
    )


class Dog(pydantic.BaseModel):
    """A structured answer."""

    name: str
    age: int


@step("chat")
def chat():
    expect(agent().run(ASK).content, "text")


@step("usage")
def usage():
    expect(agent().run(ASK).metrics.total_tokens, "tokens")


@step("stream")
def stream():
    expect([each for each in agent().run(ASK, stream=True) if each.content], "pieces")


@step("tools")
def tools():
    expect(agent(tools=[weather]).run(ASK_WEATHER).content, "text")
    used_tool()


@step("structured")
def structured():
    expect(isinstance(agent(output_schema=Dog).run(ASK).content, Dog), "object")


@step("errors")
def errors():
    done = agent("nw-wrong").run(ASK)
    expect(str(done.status.value).lower() == "error", f"status: it says {done.content!r}")


main()

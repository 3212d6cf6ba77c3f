"""PraisonAI's agents, by LiteLLM."""

import os

os.environ |= {"PRAISONAI_TELEMETRY_DISABLED": "true", "LOGLEVEL": "CRITICAL"}

from praisonaiagents import Agent
from pydantic import BaseModel
from steps import ASK, ASK_WEATHER, KEY, MODEL, URL, expect, main, step, used_tool, weather


class Dog(BaseModel):
    """A dog."""

    name: str
    age: int


def agent(key=KEY, **more):
    told = {"llm": f"openai/{MODEL}", "base_url": URL, "api_key": key}
    return Agent(instructions="Be short.", output="silent", **told, **more)


@step("chat")
def chat():
    expect(agent().start(ASK), "text")


@step("stream")
def stream():
    expect(len(list(agent().iter_stream(ASK))) > 1, "pieces")


@step("tools")
def tools():
    expect(agent(tools=[weather]).start(ASK_WEATHER), "answer")
    used_tool()


@step("structured")
def structured():
    said = 'SAY {"name": "Rex", "age": 3}'  # it asks in words alone
    expect(agent().chat(said, output_pydantic=Dog).name == "Rex", "object")


main()

"""AutoGen."""

import openai
import pydantic
from autogen_agentchat.agents import AssistantAgent
from autogen_core.models import UserMessage
from autogen_ext.models.openai import OpenAIChatCompletionClient
from steps import ASK, ASK_WEATHER, KEY, MODEL, URL, expect, main, raises, step, used_tool, weather

INFO = {
    "vision": False,
    "function_calling": True,
    "json_output": True,
    "structured_output": True,
    "family": "unknown",
}


class Dog(pydantic.BaseModel):
    """A structured answer."""

    name: str
    age: int


def client(key=KEY):
    return OpenAIChatCompletionClient(
        model=MODEL, base_url=URL, api_key=key, max_retries=0, model_info=INFO
    )


asked = [UserMessage(content=ASK, source="user")]


@step("chat")
async def chat():
    expect((await client().create(asked)).content, "text")


@step("usage")
async def usage():
    expect((await client().create(asked)).usage.completion_tokens, "tokens")


@step("stream")
async def stream():
    expect([each async for each in client().create_stream(asked)], "pieces")


@step("tools")
async def tools():
    agent = AssistantAgent("a", client(), tools=[weather], reflect_on_tool_use=True)
    expect((await agent.run(task=ASK_WEATHER)).messages[-1].content, "text")
    used_tool()


@step("structured")
async def structured():
    expect((await client().create(asked, json_output=Dog)).content, "JSON")


@step("errors")
def errors():
    raises(openai.AuthenticationError, lambda: client("nw-wrong").create(asked))


main()

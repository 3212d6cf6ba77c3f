"""Microsoft's Agent Framework: agents over chats or responses."""

import os

import pydantic
from agent_framework import Agent
from agent_framework.exceptions import AgentFrameworkException
from agent_framework.openai import (
    OpenAIChatClient,
    OpenAIChatCompletionClient,
    OpenAIEmbeddingClient,
)
from steps import (
    ASK,
    ASK_WEATHER,
    EMBEDDER,
    KEY,
    MODEL,
    URL,
    expect,
    main,
    raises,
    step,
    used_tool,
    weather,
)

CLIENT = OpenAIChatCompletionClient if os.environ.get("AT") == "chat" else OpenAIChatClient


class Dog(pydantic.BaseModel):
    """A structured answer."""

    name: str
    age: int


def agent(key=KEY, **more):
    return Agent(CLIENT(MODEL, api_key=key, base_url=URL), "You help.", **more)


@step("chat")
async def chat():
    expect((await agent().run(ASK)).text, "text")


@step("usage")
async def usage():
    expect((await agent().run(ASK)).usage_details["output_token_count"], "tokens")


@step("stream")
async def stream():
    running = agent().run(ASK, stream=True)
    expect("".join([each.text async for each in running]), "text")
    done = await running.get_final_response()
    expect(done.usage_details["output_token_count"], "tokens of a stream")


@step("tools")
async def tools():
    expect((await agent(tools=[weather]).run(ASK_WEATHER)).text, "text")
    used_tool()


@step("structured")
async def structured():
    done = await agent().run(ASK, options={"response_format": Dog})
    expect(isinstance(done.value, Dog), "object")


@step("embeddings")
async def embeddings():
    client = OpenAIEmbeddingClient(model=EMBEDDER, api_key=KEY, base_url=URL)
    expect(len(await client.get_embeddings(["a dog", "a cat"])) == 2, "vectors")


@step("errors")
def errors():
    raises(AgentFrameworkException, lambda: agent("nw-wrong").run(ASK))


main()

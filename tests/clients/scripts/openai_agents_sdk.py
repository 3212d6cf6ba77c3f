"""OpenAI's Agents SDK: responses, its default, and chat completions."""

import os

import openai
import pydantic
from agents import (
    Agent,
    Runner,
    function_tool,
    set_default_openai_api,
    set_default_openai_client,
    set_tracing_disabled,
)
from steps import ASK, ASK_WEATHER, KEY, MODEL, URL, expect, main, raises, step, used_tool, weather

set_tracing_disabled(True)  # else prompts and our key go to api.openai.com
set_default_openai_api(os.environ.get("AT", "responses"))


def connect(key=KEY):
    """A client for this step's event loop."""
    set_default_openai_client(openai.AsyncOpenAI(base_url=URL, api_key=key, max_retries=0))


class Dog(pydantic.BaseModel):
    """A structured answer."""

    name: str
    age: int


@step("chat")
async def chat():
    connect()
    expect((await Runner.run(Agent(name="a", model=MODEL), ASK)).final_output, "text")


@step("usage")
async def usage():
    connect()
    done = await Runner.run(Agent(name="a", model=MODEL), ASK)
    expect(done.context_wrapper.usage.total_tokens, "tokens")


@step("stream")
async def stream():
    connect()
    running = Runner.run_streamed(Agent(name="a", model=MODEL), ASK)
    expect([each async for each in running.stream_events()], "events")
    expect(running.final_output, "text")


@step("tools")
async def tools():
    connect()
    agent = Agent(name="a", model=MODEL, tools=[function_tool(weather)])
    expect((await Runner.run(agent, ASK_WEATHER)).final_output, "text")
    used_tool()


@step("structured")
async def structured():
    connect()
    expect(
        (await Runner.run(Agent(name="a", model=MODEL, output_type=Dog), ASK)).final_output,
        "object",
    )


@step("errors")
def errors():
    connect("nw-wrong")
    raises(openai.AuthenticationError, lambda: Runner.run(Agent(name="a", model=MODEL), ASK))


main()

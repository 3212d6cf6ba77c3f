"""LiveKit's plugin for OpenAI: what a voice agent asks."""

import os

from livekit.agents import APIStatusError, llm
from livekit.agents.types import APIConnectOptions
from livekit.plugins import openai
from steps import ASK, ASK_WEATHER, KEY, MODEL, URL, expect, main, raises, step, used_tool, weather

RESPONSES = os.environ["AT"] == "responses"
ONCE = APIConnectOptions(max_retry=0)


def made(key=KEY):
    if RESPONSES:
        return openai.responses.LLM(
            model=MODEL, base_url=URL, api_key=key, use_websocket=False, store=False
        )
    return openai.LLM(model=MODEL, base_url=URL, api_key=key, prompt_cache_breakpoints=True)


def asked(prompt):
    context = llm.ChatContext.empty()
    context.add_message(role="user", content=prompt)
    return context


def ask(context, key=KEY, **more):
    return made(key).chat(chat_ctx=context, conn_options=ONCE, **more)


@llm.function_tool(name="weather", description="Tell the weather of a city.")
async def tell_weather(city: str) -> str:
    return weather(city)


@step("chat")
async def chat():
    expect((await ask(asked(ASK)).collect()).text, "text")


@step("stream")
async def stream():
    expect([piece async for piece in ask(asked(ASK)).to_str_iterable()], "pieces")


@step("usage")
async def usage():
    expect((await ask(asked(ASK)).collect()).usage.completion_tokens, "tokens")


@step("tools")
async def tools():
    context = asked(ASK_WEATHER)
    offered = llm.ToolContext([tell_weather])
    done = await ask(context, tools=[tell_weather]).collect()
    call = expect(done.tool_calls, "tool call")[0]
    result = await llm.execute_function_call(call, offered)
    context.insert(result.fnc_call)
    context.insert(result.fnc_call_out)
    expect((await ask(context, tools=[tell_weather]).collect()).text, "text")
    used_tool()


@step("errors")
def errors():
    raises(APIStatusError, ask_wrong)


async def ask_wrong():
    await ask(asked(ASK), key="nw-wrong").collect()


main()

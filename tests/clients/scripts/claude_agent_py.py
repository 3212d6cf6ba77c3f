"""Claude's agent SDK in Python, which brings Claude Code, over Anthropic's wire."""

import os
import tempfile

from claude_agent_sdk import (
    ClaudeAgentOptions,
    ResultMessage,
    StreamEvent,
    create_sdk_mcp_server,
    query,
    tool,
)
from steps import CLAUDE, KEY, MODEL, ROOT, WEATHER, expect, main, step, used_tool, weather

ASKED = "SAY a dog"
WORDS = ("401", "logged in", "authenticat")


@tool("weather", "Tell the weather of a city.", WEATHER)
async def look(given):
    return {"content": [{"type": "text", "text": weather(given["city"])}]}


def ask(prompt, key=KEY, **more):
    told = {
        "ANTHROPIC_BASE_URL": ROOT,
        "ANTHROPIC_API_KEY": key,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_MAX_RETRIES": "0",
    }
    options = ClaudeAgentOptions(
        model=CLAUDE if os.environ["AT"] == "anthropic" else MODEL,
        env=told,
        cwd=tempfile.mkdtemp(),
        max_turns=4,
        setting_sources=[],
        **more,
    )
    return query(prompt=prompt, options=options)


async def result_of(messages):
    return [each async for each in messages if isinstance(each, ResultMessage)][-1]


@step("chat")
async def chat():
    expect((await result_of(ask(ASKED))).result, "text")


@step("usage")
async def usage():
    expect((await result_of(ask(ASKED))).usage["output_tokens"], "tokens")


@step("stream")
async def stream():
    events = [each async for each in ask(ASKED, include_partial_messages=True)]
    expect([each for each in events if isinstance(each, StreamEvent)], "pieces")


@step("tools")
async def tools():
    dogs = create_sdk_mcp_server("dogs", tools=[look])
    name = "mcp__dogs__weather"
    prompt = f'CALL {name} {{"city": "Bonn"}}'
    found = await result_of(ask(prompt, mcp_servers={"dogs": dogs}, allowed_tools=[name]))
    expect(found.result, "text")
    used_tool()


@step("errors")
async def errors():
    try:
        told = str((await result_of(ask(ASKED, "nw-wrong"))).result)
    except Exception as error:
        told = str(error)
    expect(any(each in told.lower() for each in (*WORDS, "invalid api key")), f"refusal: {told}")


main()

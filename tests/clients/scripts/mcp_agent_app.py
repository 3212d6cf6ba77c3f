"""mcp-agent: an agent whose tools come from an MCP server, over OpenAI's or Anthropic's SDK."""

import os
import sys
import tempfile
from pathlib import Path

from mcp_agent.agents.agent import Agent
from mcp_agent.app import MCPApp
from mcp_agent.config import (
    AnthropicSettings,
    LoggerSettings,
    MCPServerSettings,
    MCPSettings,
    OpenAISettings,
    Settings,
)
from mcp_agent.workflows.llm.augmented_llm import RequestParams
from mcp_agent.workflows.llm.augmented_llm_anthropic import AnthropicAugmentedLLM
from mcp_agent.workflows.llm.augmented_llm_openai import OpenAIAugmentedLLM
from pydantic import BaseModel
from steps import ASK, ASK_WEATHER, CLAUDE, KEY, MODEL, ROOT, URL, expect, main, step

AT = os.environ["AT"]
os.environ["ANTHROPIC_BASE_URL"] = ROOT  # its setting counts for structured answers alone
notes = Path(tempfile.mkdtemp()) / "city"
SERVER = MCPServerSettings(
    command=sys.executable,
    args=[str(Path(__file__).with_name("mcp_server.py"))],
    env={"NOTES": str(notes)},
)


class Dog(BaseModel):
    """A dog."""

    name: str
    age: int


async def run(ask, key=KEY):
    model = CLAUDE if AT == "anthropic" else MODEL
    settings = Settings(
        execution_engine="asyncio", logger=LoggerSettings(type="none"),
        mcp=MCPSettings(servers={"weather": SERVER}),
        openai=OpenAISettings(api_key=key, base_url=URL, default_model=model),
        anthropic=AnthropicSettings(api_key=key, base_url=ROOT, default_model=model),
    )  # fmt: skip
    async with MCPApp(name="told", settings=settings).run():
        agent = Agent(name="helper", instruction="Be short.", server_names=["weather"])
        async with agent:
            kind = AnthropicAugmentedLLM if AT == "anthropic" else OpenAIAugmentedLLM
            llm = await agent.attach_llm(kind)
            return await ask(llm, RequestParams(model=model, maxTokens=500, max_iterations=4))


@step("chat")
async def chat():
    expect(await run(lambda llm, how: llm.generate_str(ASK, how)), "text")


@step("tools")
async def tools():
    expect(await run(lambda llm, how: llm.generate_str(ASK_WEATHER, how)), "answer")
    expect(notes.read_text(encoding="utf-8"), "call of the tool")


@step("structured")
async def structured():
    made = await run(lambda llm, how: llm.generate_structured("Make up a dog.", Dog, how))
    expect(made.name, "object")


@step("errors")
async def errors():
    try:  # a chat that fails is an empty text
        await run(lambda llm, how: llm.generate_structured(ASK, Dog, how), "nw-wrong")
    except Exception as error:
        expect("401" in str(error) or "key" in str(error), f"{type(error)}: {error}")
        return
    raise AssertionError("raised nothing")


main()

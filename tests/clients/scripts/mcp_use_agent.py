"""mcp-use: an agent whose tools come from an MCP server, over LangChain."""

import os
import sys
import tempfile
from pathlib import Path

os.environ["MCP_USE_ANONYMIZED_TELEMETRY"] = "false"

import openai
from langchain_openai import ChatOpenAI
from mcp_use import MCPAgent, MCPClient
from pydantic import BaseModel
from steps import ASK, ASK_WEATHER, KEY, MODEL, URL, expect, main, step

notes = Path(tempfile.mkdtemp()) / "city"
SERVER = {
    "command": sys.executable,
    "args": [str(Path(__file__).with_name("mcp_server.py"))],
    "env": {"NOTES": str(notes)},
}


class Dog(BaseModel):
    """A dog."""

    name: str
    age: int


async def run(prompt, key=KEY, **more):
    client = MCPClient.from_dict({"mcpServers": {"weather": SERVER}})
    http = openai.DefaultAsyncHttpxClient()  # else kept for another step's event loop
    model = ChatOpenAI(
        model=MODEL, base_url=URL, api_key=key, max_retries=0, http_async_client=http
    )
    agent = MCPAgent(llm=model, client=client, max_steps=5)
    try:
        return await agent.run(prompt, **more)
    finally:
        await client.close_all_sessions()


@step("chat")
async def chat():
    expect(await run(ASK), "text")


@step("tools")
async def tools():
    expect(await run(ASK_WEATHER), "answer")
    expect(notes.read_text(encoding="utf-8"), "call of the tool")


@step("structured")
async def structured():
    expect((await run("Make up a dog.", output_schema=Dog)).name, "object")


@step("errors")
async def errors():
    try:
        told = str(await run(ASK, "nw-wrong"))
    except openai.AuthenticationError:
        return
    expect("401" in told or "key" in told, f"error: {told}")


main()

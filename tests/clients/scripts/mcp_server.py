"""A server of tools for MCP's clients, on its standard input and output; it notes its calls."""

import os
from pathlib import Path

from mcp.server.fastmcp import FastMCP

server = FastMCP("weather")


@server.tool()
def weather(city: str) -> str:
    """Tell the weather of a city."""
    Path(os.environ["NOTES"]).write_text(city, encoding="utf-8")
    return f"It is sunny in {city}."


server.run()

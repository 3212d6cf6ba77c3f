"""The ASGI application, and what its process does at its beginning and end."""

import asyncio

from llmconfig import client
from llmconfig.client.sdk.asgi_scope import Message, Receive, Send
from llmconfig.configuration import snapshot
from llmconfig.gateway import access, addresses, web_sockets
from llmconfig.gateway.gateway_request import GatewayRequest
from llmconfig.gateway.running import running
from llmconfig.gateway.writer import writer
from llmconfig.runtime import stopping

PREFIX = addresses.PREFIX


async def application(scope: Message, receive: Receive, send: Send) -> None:
    """The ASGI application that answers requests below `/v1`."""
    if scope.get("method") != "POST" and web_sockets.are_asked(scope):
        await web_sockets.refuse(scope, send)
        return
    if scope["path"] == "/":
        await _say_that_it_is_there(send)
        return
    if scope["path"] not in addresses.HANDLERS:
        scope = {**scope, "path": addresses.canonical(scope["path"])}
    await GatewayRequest(scope, receive, send).answer(addresses.handler_of)


async def _say_that_it_is_there(send: Send) -> None:
    """To `HEAD /`, by which Claude Code looks whether there is a server; it has no key then."""
    headers = [(b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def warm() -> None:
    """Read configuration and keys before the first request needs them.

    What an earlier process left in the journal is written from now on.
    """
    writer.start()
    loop = asyncio.get_running_loop()
    stopping.listen(lambda: loop.call_soon_threadsafe(running.end_soon))
    await snapshot.acurrent()
    await access.warm()


async def close() -> None:
    """Write what waits and hang up on providers, at the end of the process."""
    await running.end()
    await asyncio.to_thread(writer.flush)
    await client.aclose()

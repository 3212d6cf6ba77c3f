"""`/v1` before any project's ASGI application: `application = wrap(get_asgi_application())`."""

import logging
from typing import Any

from asgiref.sync import sync_to_async

from llmconfig import project_settings
from llmconfig.client import preload
from llmconfig.configuration.sync.at_start import sync_at_start
from llmconfig.gateway import addresses
from llmconfig.gateway import application as gateway
from nodewise import memory

logger = logging.getLogger(__name__)


def wrap(django: Any, *, prefix: str = "", answers_root: bool = False) -> Any:
    """Answer `<prefix>/v1/…` by the gateway, before Django's middleware, and the rest by `django`.

    With `answers_root` the gateway also answers HEAD /, by which some clients see whether a server
    is there, and the addresses of Azure's and Ollama's clients, `/openai/…` and `/api/chat`, which
    are else found below `/v1`. `django` is what `get_asgi_application()` returned. The server's
    lifespan reads the configuration before the first request and writes what waits after the last.
    """

    own = f"{prefix}{gateway.PREFIX}/"

    def is_for_the_gateway(scope: Any) -> bool:
        path: str = scope["path"]
        if path.startswith(own) or path == own[:-1]:
            return True
        if not answers_root:
            return False
        asks_root = path == "/" and scope.get("method") == "HEAD"
        return asks_root or addresses.is_at_root(path)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif is_for_the_gateway(scope):
            inner = {**scope, "path": scope["path"].removeprefix(prefix)} if prefix else scope
            await gateway.application(inner, receive, send)
        else:
            await django(scope, receive, send)

    return application


async def _live(receive: Any, send: Any) -> None:
    """Read the configuration before the first request; write what waits after the last."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await _warm()
            memory.keep_small()
            memory.settle()
            await send({"type": "lifespan.startup.complete"})
        else:
            await gateway.close()
            await send({"type": "lifespan.shutdown.complete"})
            return


async def _warm() -> None:
    try:
        await sync_to_async(sync_at_start)()
        await gateway.warm()
        preload(*project_settings.preload())
    except Exception:
        # The pages that say what is wrong must be served all the same.
        logger.exception("The server could not be warmed up.")

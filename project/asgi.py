"""The ASGI entry point for uvicorn: `/v1` before Django's middleware, everything else to Django."""

import gc
import logging
import os
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

django = get_asgi_application()

from django.conf import settings  # noqa: E402 - needs Django set up

from llmconfig.client import preload  # noqa: E402
from llmconfig.gateway import application as gateway  # noqa: E402
from project import bodies  # noqa: E402

logger = logging.getLogger(__name__)
pages = bodies.bounded(django, max_bytes=settings.MAX_BODY_BYTES)
# Requests leave no cycles behind; at the usual 700 young objects each would be looked through.
YOUNG_OBJECTS = 20_000


async def application(scope: Any, receive: Any, send: Any) -> None:
    """One connection of the server's, or the server's own life."""
    if scope["type"] == "lifespan":
        await _live(receive, send)
    elif scope["type"] == "http" and _is_for_the_gateway(scope):
        await gateway.application(scope, receive, send)
    else:
        await pages(scope, receive, send)


def _is_for_the_gateway(scope: Any) -> bool:
    path: str = scope["path"]
    return path.startswith(f"{gateway.PREFIX}/") or (path == "/" and scope["method"] == "HEAD")


async def _live(receive: Any, send: Any) -> None:
    """Read the configuration before the first request; write what waits after the last."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await _warm()
            _settle()
            await send({"type": "lifespan.startup.complete"})
        else:
            await gateway.close()
            await send({"type": "lifespan.shutdown.complete"})
            return


async def _warm() -> None:
    try:
        await gateway.warm()
        preload(*settings.LLM_PRELOAD)
    except Exception:
        # The pages that say what is wrong must be served all the same.
        logger.exception("The server could not be warmed up.")


def _settle() -> None:
    """What was loaded by now stays as long as the process: it is collected no more."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])

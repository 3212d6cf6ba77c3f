"""Redis for what processes share: limits, cool-downs, cached answers. One client per event loop.

Nothing is kept there that can't be lost; callers say what they do without it.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from llmconfig import project_settings
from llmconfig.extras import from_extra
from llmconfig.runtime.per_loop import PerLoop

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.commands.core import AsyncScript

# A local round trip takes a fraction of a millisecond; whoever waits longer goes on without.
# Long enough that a machine under load isn't taken for a lost server: limits would then split.
ANSWER_SECONDS = 6.0
CONNECT_SECONDS = 2.0
RETRY_LOST_SECONDS = 0.5


class RedisLost(Exception):
    """Redis can't be asked now; never shown to people."""


Farewell = Callable[[], Awaitable[None]]


class _OpenClient(Struct):
    """A client, the generator that closes it when its loop ends, and since when it is lost."""

    client: "Redis"
    keeper: "AsyncGenerator[Redis]"
    errors: tuple[type[Exception], ...]
    scripts: "dict[str, AsyncScript]" = field(default_factory=dict)
    farewells: list[Farewell] = field(default_factory=list)
    ask_again_at: float = 0.0


_clients: PerLoop[_OpenClient] = PerLoop()


def configured() -> bool:
    """Whether there is a Redis at all; without one each process keeps to itself."""
    return bool(project_settings.redis_url())


async def run_script(
    text: str, keys: Sequence[str | bytes], arguments: Sequence[str | bytes | int]
) -> Any:
    """Run a Lua script in one round trip; raises RedisLost.

    For half a second after a failure it isn't asked again: nobody waits for a dead server twice.
    """
    opened = await _opened()
    loop = asyncio.get_running_loop()
    if loop.time() < opened.ask_again_at:
        raise RedisLost
    script = opened.scripts.get(text)
    if script is None:
        script = opened.scripts[text] = opened.client.register_script(text)
    try:
        return await script(keys=keys, args=arguments)
    except opened.errors as error:
        opened.ask_again_at = loop.time() + RETRY_LOST_SECONDS
        raise RedisLost(type(error).__name__) from None


async def before_closing(farewell: Farewell) -> None:
    """Have this loop's client call a function before it closes; raises RedisLost without Redis."""
    (await _opened()).farewells.append(farewell)


async def aclose() -> None:
    """Close this loop's client; the next use opens a new one."""
    opened = _clients.find()
    if opened is not None:
        await opened.keeper.aclose()


async def _opened() -> _OpenClient:
    opened = _clients.find()
    if opened is None:
        if not configured():
            raise RedisLost("REDIS_URL is not set")
        with from_extra("worker"):  # it takes 0.1 s to import
            from redis.exceptions import RedisError  # noqa: PLC0415

        keeper = _keep()
        opened = _clients.put(_OpenClient(await anext(keeper), keeper, (RedisError, OSError)))
    return opened


async def _keep() -> "AsyncGenerator[Redis]":
    """Hold a client open. What ends an event loop closes its generators, and so this client.

    Before that, those who hold something for others there give it back.
    """
    from redis.asyncio import Redis  # noqa: PLC0415 - late, see _opened
    from redis.asyncio.retry import Retry  # noqa: PLC0415
    from redis.backoff import NoBackoff  # noqa: PLC0415

    client: Redis = Redis.from_url(
        project_settings.redis_url(),
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=CONNECT_SECONDS,
        # A restarted server has closed the pooled connection: once more, over a new one.
        retry=Retry(NoBackoff(), 1),
    )
    try:
        yield client
    finally:
        opened = _clients.find()
        for farewell in opened.farewells if opened is not None else ():
            with suppress(RedisLost):
                await farewell()
        _clients.pop()
        await client.aclose()

"""The project's Redis or Valkey, asked in short: nobody waits longer than two seconds."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from llmconfig import project_settings
from llmconfig.errors import ExtraMissing
from llmconfig.extras import from_extra

if TYPE_CHECKING:
    from redis import Redis

SECONDS = 2.0


class BrokerLost(Exception):
    """It can't be asked; the text says why."""


@contextmanager
def opened() -> Iterator["Redis"]:
    """A connection to it while the block runs; raises BrokerLost, also for failures inside."""
    try:
        with from_extra("worker"):
            from redis import Redis  # noqa: PLC0415 - it takes 0.1 s
            from redis.exceptions import RedisError  # noqa: PLC0415
    except ExtraMissing as missing:
        raise BrokerLost(str(missing)) from missing
    try:
        with Redis.from_url(
            project_settings.redis_url(), socket_connect_timeout=SECONDS, socket_timeout=SECONDS
        ) as broker:
            yield broker
    except (RedisError, OSError, ValueError) as error:
        raise BrokerLost(str(error)) from error

"""A worker that outlives any message: what isn't a task of ours is refused, with its reason.

Celery lets a message that it can't take apart end the worker, which puts it back into the queue: it
then ends every other one too. A project sets
`CELERY_WORKER_CONSUMER = "nodewise.broker_messages:CarefulConsumer"`.
"""

import datetime as dt
import logging
from collections.abc import Callable
from typing import Any

from celery.worker.consumer import Consumer
from kombu.transport import redis, virtual

logger = logging.getLogger(__name__)

MAX_SHOWN = 200  # characters of a message that a log shows
REDIS = frozenset({"redis", "rediss"})


class Misshapen(Exception):
    """A message that no task can be made from; says what is wrong with it."""


class Message(virtual.Message):
    """A message that the channel can keep until it is done with."""

    def __init__(self, payload: Any, *args: Any, **kwargs: Any) -> None:
        properties = payload["properties"]
        given = (properties["delivery_tag"], *_address(properties["delivery_info"]))
        if not all(isinstance(each, str) for each in given):
            raise ValueError("its delivery tag or address isn't text.")
        super().__init__(payload, *args, **kwargs)


def _address(delivery_info: dict[str, Any]) -> tuple[Any, Any]:
    return delivery_info["exchange"], delivery_info["routing_key"]


class Channel(redis.Channel):
    """Drops entries of the queue that are no messages at all; they are off the queue by then."""

    Message = Message

    def _brpop_read(self, **options: Any) -> Any:
        kombus: Any = super()  # its types leave this method out
        try:
            return kombus._brpop_read(**options)  # noqa: SLF001 - our own class's
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            logger.warning("An entry of the queue is no message and was dropped: %s", _short(error))
            return True


class Transport(redis.Transport):
    """Redis, over such channels."""

    Channel = Channel


class CarefulConsumer(Consumer):
    """Celery's consumer, which refuses what it can't take apart and goes on."""

    connection_errors: tuple[type[Exception], ...]

    def connection_for_read(self, heartbeat: Any = None) -> Any:
        """Connect to the queue over careful channels, where it is Redis that keeps it."""
        connection: Any = self.app.connection_for_read(heartbeat=heartbeat)
        if connection.transport_cls in REDIS:
            connection.transport_cls = Transport
        return self.ensure_connected(connection)

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], None]:
        """Celery's handler, which is given what can be a task."""
        handle = super().create_task_handler(*args, **kwargs)

        def on_task_received(message: Any) -> None:
            try:
                check(message)
            except Exception as error:  # noqa: BLE001 - decoders raise whatever they like
                logger.warning("A message of the broker was refused: %s", _short(error))
                message.reject_log_error(logger, self.connection_errors)
                return
            handle(message)

        return on_task_received


def check(message: Any) -> None:
    """Raises Misshapen, or whatever its decoding does, for a message that would end a worker."""
    headers = message.headers
    if not isinstance(headers, dict) or not isinstance(headers.get("task"), str):
        raise Misshapen("it names no task.")
    if not isinstance(message.content_type, str):
        raise Misshapen("it has no content type.")
    _check_arguments(message.payload)
    _check_terms(headers)


def _check_arguments(payload: Any) -> None:
    kinds = (list | tuple, dict, dict | None)
    if not isinstance(payload, list | tuple) or len(payload) != len(kinds):
        raise Misshapen("its body isn't arguments, named arguments and options.")
    if not all(isinstance(each, kind) for each, kind in zip(payload, kinds, strict=True)):
        raise Misshapen("its body isn't arguments, named arguments and options.")


def _check_terms(headers: dict[str, Any]) -> None:
    """The headers by which a worker reckons."""
    if not isinstance(headers.get("id"), str):
        raise Misshapen("it has no id.")
    limits = headers.get("timelimit") or (None, None)
    if not isinstance(limits, list | tuple) or len(limits) != 2:
        raise Misshapen("timelimit is no pair.")
    if not all(each is None or _is_count(each) for each in limits):
        raise Misshapen("timelimit isn't in seconds.")
    if not _is_count(headers.get("retries") or 0):
        raise Misshapen("retries is no number.")
    for name in ("eta", "expires"):
        given = headers.get(name)
        if given is not None:
            try:
                dt.datetime.fromisoformat(given)
            except (TypeError, ValueError):
                raise Misshapen(f"{name} is no time.") from None


def _is_count(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:MAX_SHOWN]}"

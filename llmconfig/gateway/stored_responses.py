"""Responses that are kept, so that `previous_response_id` can go on with them.

A row holds one turn: what the caller sent, and the response. It goes after
LLM_RESPONSES_KEEP_DAYS, and none is kept where no history keeps texts either. Only the key that
made a response, or another key of the same owner, finds it.
"""

import asyncio
import datetime as dt
import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast
from uuid import UUID

import orjson
from asgiref.sync import sync_to_async
from django.db import DatabaseError, OperationalError, close_old_connections
from django.db.models import Q, QuerySet
from django.utils import timezone
from msgspec import Struct

from llmconfig import project_settings
from llmconfig.client.recording import recorders
from llmconfig.configuration import process_settings
from llmconfig.gateway import response_items
from llmconfig.gateway.access import Caller
from llmconfig.gateway.reading import JSON
from llmconfig.gateway.refusals import RequestRefused
from llmconfig.models.gateway import StoredResponse

logger = logging.getLogger(__name__)
T = TypeVar("T")
PREFIX = "resp_"
MAX_TURNS = 1_000  # of one conversation
# For the database: who gets an answer doesn't wait longer for its being kept.
KEEP_SECONDS = 0.5
READ_SECONDS = 10.0
ROWS_AT_ONCE = 1_000  # of a deletion
MINE = """(
    r.key_id = %(key)s OR r.user_id = %(user)s
    OR (coalesce(%(key)s::text, %(user)s::text) IS NULL AND r.key_id IS NULL AND r.user_id IS NULL)
)"""
# The turns before a response, the oldest first; those of others and old ones end it.
CONVERSATION = f"""
    WITH RECURSIVE turns AS (
        SELECT r.*, 1 AS place FROM llm_gateway_responses r
        WHERE r.id = %(id)s AND r.created_at >= %(oldest)s AND {MINE}
        UNION ALL
        SELECT r.*, turns.place + 1 FROM llm_gateway_responses r
        JOIN turns ON r.id = turns.previous_id
        WHERE r.created_at >= %(oldest)s AND turns.place < %(most)s AND {MINE}
    )
    SELECT * FROM turns ORDER BY place DESC
"""  # noqa: S608 - put together from constants


class StoredTurn(Struct, frozen=True):
    """A response with what it answered; `previous` is the turn before."""

    id: UUID
    input_items: list[JSON]
    response: JSON
    previous: UUID | None = None

    @classmethod
    def of(cls, response: JSON, body: JSON, before: "Sequence[StoredTurn]") -> "StoredTurn":
        """The turn that a request and its response make."""
        made = UUID(response["id"].removeprefix(PREFIX))
        items = response_items.with_ids(body.get("input"), made.hex)
        return cls(made, items, response, before[-1].id if before else None)

    @property
    def items(self) -> list[JSON]:
        """All that was said in it."""
        return [*self.input_items, *self.response["output"]]


def is_kept(body: JSON) -> bool:
    """Whether a request's response is to be kept: `store` isn't false, and texts are kept here."""
    return body.get("store") is not False and _days() > 0 and recorders.keep_texts()


async def keep(turn: StoredTurn, caller: Caller) -> bool:
    """Write a turn; false where the database doesn't take it in time, which fails no answer."""
    row = StoredResponse(
        id=turn.id,
        created_at=timezone.now(),
        key_id=caller.key_id,
        user_id=cast("Any", caller.user_id),  # a key of whatever type the users have
        previous_id=turn.previous,
        input_items=orjson.dumps(turn.input_items),
        response=orjson.dumps(turn.response),
    )
    try:
        await _in_database(lambda: row.save(force_insert=True), KEEP_SECONDS)
    except DatabaseError as error:
        logger.warning("A response could not be kept: %s", error)
        return False
    return True


async def find(response_id: object, caller: Caller) -> StoredTurn:
    """A caller's response; raises RequestRefused (404) and OperationalError."""
    row = await _in_database(lambda: _rows(response_id, caller).first(), READ_SECONDS)
    if row is None:
        raise RequestRefused(404, "not_found", f"Response with id {response_id!r} not found.")
    return _turn(row)


async def delete(response_id: object, caller: Caller) -> None:
    """Forget a caller's response; raises RequestRefused (404) and OperationalError."""
    deleted, _ = await _in_database(lambda: _rows(response_id, caller).delete(), READ_SECONDS)
    if not deleted:
        raise RequestRefused(404, "not_found", f"Response with id {response_id!r} not found.")


async def conversation(response_id: object, caller: Caller) -> list[StoredTurn]:
    """The turns up to a response, the oldest first.

    Raises RequestRefused where any of them is missing, and OperationalError.
    """
    return await _in_database(lambda: _read_conversation(response_id, caller), READ_SECONDS)


def delete_expired() -> int:
    """Delete the responses that are older than LLM_RESPONSES_KEEP_DAYS; gives how many."""
    old = StoredResponse.objects.filter(created_at__lt=_oldest())
    deleted = 0
    while True:
        some = list(old.values_list("pk", flat=True)[:ROWS_AT_ONCE])
        StoredResponse.objects.filter(pk__in=some).delete()
        deleted += len(some)
        if len(some) < ROWS_AT_ONCE:
            return deleted


def _read_conversation(response_id: object, caller: Caller) -> list[StoredTurn]:
    wanted = _uuid(response_id)
    facts = {
        "id": wanted,
        "key": caller.key_id,
        "user": caller.user_id,
        "oldest": _oldest(),
        "most": MAX_TURNS,
    }
    rows = [] if wanted is None else list(StoredResponse.objects.raw(CONVERSATION, facts))
    if not rows or rows[0].previous_id is not None:
        raise _lost(response_id, has_begun=bool(rows))
    return [_turn(row) for row in rows]


def _lost(response_id: object, *, has_begun: bool) -> RequestRefused:
    said = f"Previous response with id {response_id!r} not found."
    if has_begun:
        said = f"A response before {response_id!r} was deleted, or is kept no more."
    return RequestRefused(400, "previous_response_not_found", said, param="previous_response_id")


def _rows(response_id: object, caller: Caller) -> QuerySet[StoredResponse]:
    """The row of this id, if it is the caller's."""
    mine = Q(key_id=caller.key_id) if caller.key_id is not None else Q(pk__in=())
    if caller.user_id is not None:
        mine |= Q(user_id=caller.user_id)
    elif caller.key_id is None:  # this process itself
        mine = Q(key_id=None, user_id=None)
    wanted = Q(pk=_uuid(response_id))
    return StoredResponse.objects.filter(wanted, mine, created_at__gte=_oldest())


def _uuid(response_id: object) -> UUID | None:
    """The id of a row, None for what can't be one."""
    if not isinstance(response_id, str) or not response_id.startswith(PREFIX):
        return None
    try:
        return UUID(response_id.removeprefix(PREFIX))
    except ValueError:
        return None


def _turn(row: StoredResponse) -> StoredTurn:
    return StoredTurn(
        id=row.pk,
        input_items=orjson.loads(bytes(row.input_items)),
        response=orjson.loads(bytes(row.response)),
        previous=row.previous_id,
    )


def _days() -> int:
    return int(
        process_settings.effective(
            "LLM_RESPONSES_KEEP_DAYS", environment=project_settings.process_values(), row={}
        )
    )


def _oldest() -> dt.datetime:
    return timezone.now() - dt.timedelta(days=_days())


async def _in_database(work: Callable[[], T], seconds: float) -> T:
    """What a query gives; raises OperationalError if it takes longer."""

    def connected() -> T:
        close_old_connections()  # no request begins or ends in this thread
        return work()

    task: asyncio.Task[T] = asyncio.ensure_future(_call(connected))
    done, _ = await asyncio.wait({task}, timeout=seconds)
    if not done:
        raise OperationalError("The database does not answer.")
    return task.result()


async def _call(work: Callable[[], Any]) -> Any:
    return await sync_to_async(work)()

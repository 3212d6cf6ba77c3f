"""What calls and stored answers take at least, by programs that do nothing else.

`benchmarks.profile` runs them beside a batch and bare aiohttp. They are of no other use: no limits,
no errors but an end, and as much of HTTP as the simulator's replies need.
"""

import argparse
import asyncio
import cProfile
import pstats
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from statistics import median

import orjson
from django.db import connection, transaction
from msgspec import Struct
from yarl import URL

from benchmarks.contestants import bare, lane, messages_of
from benchmarks.database import ENRICHMENT, TEMPERATURE, row_ids
from benchmarks.measurement import Measurement, Stopwatch
from benchmarks.provider import KEY, MODEL
from enrichment.enrichments import get
from llmconfig.client.http import background_loop, transport
from llmconfig.client.http.destinations import Destination, destination
from llmconfig.client.types import Message
from metrics.binary_sql import TextArray, execute_bound

WRITTEN_TOGETHER = 100  # rows, as a lane of the benchmarks writes them
TABLES = ("llm_generation_metrics", "llm_generation_history", "enrichment_results")
ROUNDS = 3
COUNTED = (200, 600)  # rows of two runs, whose difference is what a row more asks


class StoredPart(Struct, frozen=True):
    """What one write stored: rows as COPY takes them, and the values of the listings' columns."""

    copies: tuple[tuple[str, bytes], ...]
    update: tuple[TextArray, TextArray, TextArray]


def exchange(given: argparse.Namespace) -> Measurement:
    """The calls alone over the client's own way out, without a client."""
    asked, there = iter(messages_of(row_ids(given.rows))), _destination(given.url)

    async def some() -> None:
        for messages in asked:
            reply = await transport.send(there, _body(messages), timeout_s=60.0)
            orjson.loads(reply.body)

    async def all_of_them() -> None:
        await asyncio.gather(*(some() for _ in range(given.in_flight)))

    watch = Stopwatch()
    with watch.running():
        background_loop.run(all_of_them())
    return watch.measurement(in_flight=given.in_flight, rows=given.rows)


def sockets(given: argparse.Namespace, stored: Sequence[StoredPart] = ()) -> Measurement:
    """The calls over sockets by hand, and what answers `stored` as often as a lane writes."""
    asked, there = iter(messages_of(row_ids(given.rows))), _destination(given.url)
    answers = _Answers(given.rows)

    async def all_of_them() -> None:
        loop = asyncio.get_running_loop()
        for _ in range(given.in_flight):
            await loop.create_connection(
                lambda: _Caller(lambda: next(asked, None), there, answers.came),
                there.origin.host,
                there.origin.port,
            )
        await asyncio.to_thread(answers.all_came.wait)

    watch = Stopwatch()
    with watch.running():
        running = background_loop.submit(all_of_them())
        for part in stored:
            answers.enough_came.acquire()
            _store(part)
        running.result()
    return watch.measurement(in_flight=given.in_flight, rows=given.rows)


class _Answers:
    """Counts answers, and tells when there are enough for a write."""

    def __init__(self, rows: int) -> None:
        self._left = rows
        self.enough_came = threading.Semaphore(0)
        self.all_came = threading.Event()

    def came(self) -> None:
        self._left -= 1
        if self._left % WRITTEN_TOGETHER == 0:
            self.enough_came.release()
        if not self._left:
            self.all_came.set()


class _Caller(asyncio.Protocol):
    """One connection: asks, takes the whole reply, and asks the next."""

    def __init__(
        self,
        following: Callable[[], list[Message] | None],
        there: Destination,
        came: Callable[[], None],
    ) -> None:
        self._following, self._there, self._came = following, there, came
        self._transport: asyncio.Transport | None = None
        self._reply = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._ask()

    def data_received(self, data: bytes) -> None:
        reply = self._reply + data if self._reply else data
        head, _, body = reply.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        if not length or len(body) < int(length):
            self._reply = reply
            return
        self._reply = b""
        orjson.loads(body)
        self._came()
        self._ask()

    def _ask(self) -> None:
        messages = self._following()
        assert self._transport is not None  # noqa: S101 - it is called after it was made
        if messages is None:
            self._transport.close()
        else:
            self._transport.write(self._there.request(_body(messages)))


def _destination(url: str) -> Destination:
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    return destination("POST", URL(f"{url}/v1/chat/completions"), headers, private=True)


def _body(messages: list[Message]) -> bytes:
    return orjson.dumps({"model": MODEL, "messages": messages, "temperature": TEMPERATURE})


def stored_by_a_lane(given: argparse.Namespace) -> list[StoredPart]:
    """What a lane has written of so many rows, to be written again once `forget_stored`."""
    forget_stored()
    lane(given)
    return [
        StoredPart(tuple((_copy_into(table), _copied(table, at)) for table in TABLES), _values(at))
        for at in range(0, given.rows, WRITTEN_TOGETHER)
    ]


def forget_stored() -> None:
    """Empty the tables that a lane writes to."""
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(TABLES)} CASCADE")


def _columns(table: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position)"
            " FROM information_schema.columns WHERE table_name = %s AND is_generated = 'NEVER'",
            [table],
        )
        return str(cursor.fetchone()[0])


def _copy_into(table: str) -> str:
    return f"COPY {table} ({_columns(table)}) FROM STDIN (FORMAT BINARY)"


def _copied(table: str, at: int) -> bytes:
    rows = f"SELECT {_columns(table)} FROM {table} ORDER BY id"  # noqa: S608 - our own names
    statement = f"COPY ({rows} LIMIT {WRITTEN_TOGETHER} OFFSET {at}) TO STDOUT (FORMAT BINARY)"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        return b"".join(bytes(each) for each in copy)


def _values(at: int) -> tuple[TextArray, TextArray, TextArray]:
    """Keys, texts and models of rows."""
    names = get(ENRICHMENT).sql_names()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {names['key']}::text, {names['column']}, llm_model_used"  # noqa: S608
            f" FROM {names['table']} WHERE llm_model_used <> '' ORDER BY {names['key']}"
            f" LIMIT {WRITTEN_TOGETHER} OFFSET {at}"
        )
        ids, texts, models = zip(*cursor.fetchall(), strict=True)
    return TextArray(ids), TextArray(texts), TextArray(models)


def _store(part: StoredPart) -> None:
    names = get(ENRICHMENT).sql_names()
    with transaction.atomic(), connection.cursor() as cursor:
        execute_bound(
            cursor,
            f"UPDATE {names['table']} t SET {names['column']} = u.value,"  # noqa: S608
            " llm_processed_at = now(), llm_model_used = u.model"
            f" FROM unnest(%(ids)s::text[]::{names['key_type']}[], %(values)s::text[],"
            f" %(models)s::text[]) AS u(id, value, model) WHERE t.{names['key']} = u.id"
            f" RETURNING t.{names['key']}",
            dict(zip(("ids", "values", "models"), part.update, strict=True)),
        )
        for statement, rows in part.copies:
            with cursor.copy(statement) as copy:
                copy.write(rows)


def functions_a_row(run: Callable[[argparse.Namespace], object], given: argparse.Namespace) -> int:
    """Functions, built-in ones too, that one row more asks while the clock runs: in this thread,
    and on the client's event loop."""
    few, many = (
        _functions(run, argparse.Namespace(**(vars(given) | {"rows": n}))) for n in COUNTED
    )
    return round((many - few) / (COUNTED[1] - COUNTED[0]))


def _functions(run: Callable[[argparse.Namespace], object], given: argparse.Namespace) -> int:
    here, loop = cProfile.Profile(), cProfile.Profile()

    async def switch(*, on: bool) -> None:
        (loop.enable if on else loop.disable)()

    @contextmanager
    def counting() -> Iterator[None]:
        background_loop.run(switch(on=True))
        here.enable()
        yield
        here.disable()
        background_loop.run(switch(on=False))

    Stopwatch.around = counting
    try:
        run(given)
    finally:
        Stopwatch.around = nullcontext
    return sum(pstats.Stats(each).total_calls for each in (here, loop))  # type: ignore[attr-defined]


class Floors(Struct, frozen=True):
    """CPU beside all that bare aiohttp takes in the same round: medians; and functions a row."""

    exchange: float
    sockets: float
    stored: float
    functions: int
    functions_bare: int


def measured(given: argparse.Namespace) -> Floors:
    """Run all of them in turn, ROUNDS times."""
    stored = stored_by_a_lane(given)
    found = []
    for _ in range(ROUNDS):
        whole = bare(given).cpu_seconds
        forget_stored()
        runs = (exchange(given), sockets(given), sockets(given, stored))
        found.append([each.cpu_seconds / whole for each in runs])
    exchanged, by_hand, and_stored = map(median, zip(*found, strict=True))
    functions = functions_a_row(lane, given), functions_a_row(bare, given)
    return Floors(exchanged, by_hand, and_stored, *functions)

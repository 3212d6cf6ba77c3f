"""Asking sources for facts, and asking anew for those that are past their time to live.

A process keeps answers for a few minutes, and asks once for all who need the same fact at the same
time. A source that keeps failing is left alone for a while.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import orjson
from django.db import connection, transaction
from django.utils.translation import gettext
from msgspec import Struct

from enrichment.enrichments import get, names
from enrichment.errors import BadSelection, FactMissing
from enrichment.facts.questions import FactQuestion, Source, question
from enrichment.facts.store import FactAnswer, remember
from enrichment.models import Fact, FactSource
from enrichment.plain_text import plain
from llmconfig.client import fetching
from llmconfig.client.fetching import FetchRequest, RequestFailed, Response
from llmconfig.client.http import background_loop
from llmconfig.errors import ConfigurationError
from llmconfig.runtime import database_clock
from llmconfig.runtime.per_loop import PerLoop
from llmconfig.runtime.single_flight import SingleFlight

KEPT_IN_PROCESS = 10_000
PROCESS_SECONDS = 300.0
FAILURE_SECONDS = 30.0  # so long a failure stands, and a source that keeps failing is left alone
FAILURES_IN_A_ROW = 5
ASK_TOGETHER = 200
NOTHING_THERE = frozenset({204, 404, 410})
PASSING = frozenset({408, 425, 429})


class Refreshed(Struct, frozen=True):
    """How many facts were asked for anew, how many changed, and how many failed."""

    asked: int
    changed: int
    failed: int

    def __str__(self) -> str:
        return f"{self.asked} facts asked for anew, {self.changed} changed, {self.failed} failed."


Answer = FactAnswer | FactMissing


class _SourceHealth(Struct):
    """Of one source, as far as this process knows."""

    failures: int = 0
    alone_until: float = 0.0


class _FactCache:
    """What this process has asked lately, and is asking."""

    def __init__(self) -> None:
        self.answers: OrderedDict[str, tuple[Answer, float]] = OrderedDict()
        self.health: dict[UUID, _SourceHealth] = {}
        self.asking: SingleFlight[str, Answer] = SingleFlight()
        self.limits: PerLoop[dict[tuple[UUID, int], asyncio.Semaphore]] = PerLoop(dict)

    def begin(self, asked: FactQuestion) -> "asyncio.Task[Answer] | Answer":
        """The answer if it is there, else the task that brings it; one for all who ask."""
        held = self.answers.get(asked.key)
        if held is not None and time.monotonic() < held[1]:
            return held[0]
        return self.asking.start(asked.key, lambda: self._ask(asked))

    async def _ask(self, asked: FactQuestion) -> Answer:
        source = asked.source
        limit = self.limits.get().setdefault(
            (source.id, source.at_once), asyncio.Semaphore(source.at_once)
        )
        async with limit:
            health = self.health.setdefault(source.id, _SourceHealth())
            if time.monotonic() < health.alone_until:
                return FactMissing(
                    f"{source.name} failed {FAILURES_IN_A_ROW} times in a row and is left alone"
                    f" for {FAILURE_SECONDS:g} s.",
                    transient=True,
                )
            answer = await fetched(asked)
        self._learn(health, answer)
        self._keep(asked, answer)
        return answer

    def _learn(self, health: _SourceHealth, answer: Answer) -> None:
        if not isinstance(answer, FactMissing):
            health.failures = 0
        elif answer.transient:
            health.failures += 1
            if health.failures >= FAILURES_IN_A_ROW:
                health.failures = 0
                health.alone_until = time.monotonic() + FAILURE_SECONDS

    def _keep(self, asked: FactQuestion, answer: Answer) -> None:
        seconds = min(PROCESS_SECONDS, asked.source.ttl.total_seconds())
        if isinstance(answer, FactMissing):
            seconds = FAILURE_SECONDS
        self.answers[asked.key] = (answer, time.monotonic() + seconds)
        self.answers.move_to_end(asked.key)
        while len(self.answers) > KEPT_IN_PROCESS:
            self.answers.popitem(last=False)


_cache = _FactCache()


def forget() -> None:
    """Have this process ask anew; PostgreSQL keeps what it has."""
    _cache.answers.clear()
    _cache.health.clear()


def begin(questions: Iterable[FactQuestion]) -> None:
    """On the event loop: start asking, so that the answers are there when they are needed."""
    for each in questions:
        if each.key:
            _cache.begin(each)


async def ask(asked: FactQuestion) -> FactAnswer:
    """The fact, or a blank one where the source may do without; raises FactMissing."""
    if not asked.key:
        columns = ", ".join(asked.source.columns)
        answer: Answer = FactMissing(
            f"{asked.source.name}: the row has no value to ask with ({columns}).", transient=False
        )
    else:
        found = _cache.begin(asked)
        answer = await asyncio.shield(found) if isinstance(found, asyncio.Task) else found
    if isinstance(answer, FactAnswer) and answer.value:
        return answer
    if isinstance(answer, FactAnswer) and asked.source.required:
        answer = FactMissing(f"{asked.source.name}: it has nothing there.", transient=False)
    if isinstance(answer, FactMissing):
        if asked.source.required:
            raise FactMissing(str(answer), transient=answer.transient)
        # Not what the source said: nothing to keep.
        return FactAnswer("", database_clock.now(), stored=True)
    return answer


async def fetched(asked: FactQuestion) -> Answer:
    """Ask the source now; a failure is returned, for who waits may be many."""
    source = asked.source
    try:
        response = await fetching.fetch(
            FetchRequest(
                owner=source.name,
                url=asked.url,
                timeout_s=source.timeout_s,
                most_bytes=source.most_bytes,
                header=source.header,
                scheme=source.scheme,
                secret_ref=source.secret_ref,
            )
        )
        return FactAnswer(_read(source, response), database_clock.now())
    except FactMissing as missing:
        return missing
    except RequestFailed as failed:
        return FactMissing(f"{source.name}: {_why(failed)}", transient=failed.transient)
    except ConfigurationError as error:
        return FactMissing(str(error), transient=False)
    except ValueError:
        return FactMissing(f"{source.name}: this is no address.", transient=False)


def _why(failed: RequestFailed) -> str:
    if failed.code == "egress_refused":
        return "its address is not public; LLM_EGRESS_ALLOW can allow it."
    return failed.detail


def _read(source: Source, response: Response) -> str:
    """The part of a reply that is used, as text; raises FactMissing."""
    if response.status in NOTHING_THERE:
        return ""
    if response.status != 200:
        raise FactMissing(
            f"{source.name}: it answered {response.status}.",
            transient=response.status >= 500 or response.status in PASSING,
        )
    try:
        found = pointed_at(orjson.loads(response.body), source.pointer)
    except ValueError:
        raise FactMissing(f"{source.name}: its answer is no JSON.", transient=False) from None
    return _as_text(found)[: source.longest].strip()


def pointed_at(value: Any, pointer: str) -> Any:
    """What a JSON pointer (RFC 6901) leads to; None where it leads nowhere."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return plain(", ".join(value))
    return plain(orjson.dumps(value).decode())


def refresh(row: FactSource, *, everything: bool = False) -> Refreshed:
    """Ask anew for what is past its time to live, or for all; rows whose facts changed are stale.

    What was kept for another address or part than the source has now is left alone.
    """
    source = Source.of(row)
    kept = Fact.objects.filter(source=row)
    due = kept if everything else kept.filter(fetched_at__lt=database_clock.now() - source.ttl)
    asked = [
        (FactQuestion(source, url, key, ""), value_hash)
        for key, url, value_hash in due.values_list("key", "url", "value_hash")
        if key == source.key_of(url)
    ]
    changed = failed = 0
    for start in range(0, len(asked), ASK_TOGETHER):
        together = asked[start : start + ASK_TOGETHER]
        answers = background_loop.run(_all_of([each for each, _ in together]))
        said = [
            (each, answer)
            for (each, _), answer in zip(together, answers, strict=True)
            if isinstance(answer, FactAnswer)
        ]
        before = {each.key: value_hash for each, value_hash in together}
        with transaction.atomic(), connection.cursor() as cursor:
            remember(cursor, said)
        changed += sum(answer.value_hash != before[each.key] for each, answer in said)
        failed += len(together) - len(said)
    forget()
    return Refreshed(len(asked), changed, failed)


class Trial(Struct, frozen=True):
    """What a source says about one row now; nothing of it is kept."""

    row_id: str
    url: str
    value: str
    problem: str


def try_out(row: FactSource, *, row_id: str = "") -> Trial:
    """Ask about one row, the newest if none is named. Raises BadSelection for one there isn't."""
    source = Source.of(row)
    enrichment = next(get(name) for name in names() if get(name).target == row.target)
    rows = enrichment.rows().order_by("-pk")
    if row_id:
        rows = rows.filter(pk=enrichment.checked_key(row_id))
    found = rows.values("pk", *source.columns).first()
    if found is None:
        raise BadSelection(
            gettext("row_id: {target} has no such row.").format(target=row.target), field="row_id"
        )
    asked = question(source, found, row_hash="")
    key = str(found["pk"])
    if not asked.url:
        columns = ", ".join(source.columns)
        return Trial(key, "", "", f"Row {key} has no value to ask with ({columns}).")
    answer = background_loop.run(fetched(asked))
    if isinstance(answer, FactMissing):
        return Trial(key, asked.url, "", str(answer))
    return Trial(key, asked.url, answer.value, "" if answer.value else "It has nothing there.")


async def _all_of(questions: Sequence[FactQuestion]) -> list[Answer]:
    gate = asyncio.Semaphore(questions[0].source.at_once)

    async def one(asked: FactQuestion) -> Answer:
        async with gate:
            return await fetched(asked)

    return list(await asyncio.gather(*(one(each) for each in questions)))

"""Facts about rows from configured HTTP sources: what to ask, asking it, and keeping the answer.

A fact belongs to an address: rows that lead to the same one share it, in PostgreSQL for its time to
live, and in a process for a few minutes. Whoever asks at the same time waits for one request.
"""

import asyncio
import datetime as dt
import hashlib
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

import orjson
from django.apps import apps
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import JSONField
from django.utils import timezone

from enrichment.enrichments import get, names
from enrichment.enrichments.contract import Enrichment
from enrichment.errors import BadSelection, BadSource, FactMissing
from enrichment.models import Fact, FactSource, Prompt, WithoutFact
from enrichment.plain_text import plain
from enrichment.substitution import Template, compile_text
from llmconfig.client import fetching
from llmconfig.client.fetching import FetchRequest, RequestFailed, Response
from llmconfig.client.http import background_loop
from llmconfig.configuration import snapshot
from llmconfig.configuration.provider_rules import check_secret_ref
from llmconfig.errors import ChangeRefused, ConfigurationError
from llmconfig.runtime.per_loop import PerLoop

PREFIX = "fact_"
MAX_VALUE_LENGTH = 300  # characters of a row's value in an address
KEPT_IN_PROCESS = 10_000
PROCESS_SECONDS = 300.0
FAILURE_SECONDS = 30.0  # so long a failure stands, and a source that keeps failing is left alone
FAILURES_IN_A_ROW = 5
FORGET_AFTER = dt.timedelta(days=30)  # past its time to live
ASK_TOGETHER = 200
NOTHING_THERE = frozenset({204, 404, 410})
PASSING = frozenset({408, 425, 429})
_LITERAL = ":/?#[]@!$&'()*+,;=%~-._"


@dataclass(frozen=True, slots=True)
class Source:
    """A source of facts, ready to be asked."""

    id: UUID
    name: str
    url: Template
    columns: tuple[str, ...]  # of the row, that the address needs
    pointer: str
    longest: int
    most_bytes: int
    timeout_s: float
    at_once: int
    ttl: dt.timedelta
    required: bool  # a row without its fact fails
    header: str
    scheme: str
    secret_ref: str

    @classmethod
    def of(cls, row: FactSource) -> "Source":
        """From its row."""
        url = compile_text(row.url_template)
        return cls(
            id=row.pk,
            name=row.name,
            url=url,
            columns=tuple(sorted(url.names)),
            pointer=row.pointer,
            longest=row.max_characters,
            most_bytes=row.max_bytes,
            timeout_s=row.timeout_seconds,
            at_once=row.max_concurrency,
            ttl=dt.timedelta(seconds=row.ttl_seconds),
            required=row.without == WithoutFact.FAIL,
            header=row.header_name,
            scheme=row.header_scheme,
            secret_ref=row.secret_ref,
        )

    @property
    def placeholder(self) -> str:
        """What prompts call it."""
        return f"{PREFIX}{self.name}"

    def key_of(self, url: str) -> str:
        """Where its answer at an address is kept; what is used of it belongs to that."""
        told = orjson.dumps([str(self.id), url, self.pointer, self.longest])
        return hashlib.md5(told, usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class FactQuestion:
    """What a source is asked about a row; a blank `url` when the row lacks a value to ask with."""

    source: Source
    url: str
    key: str
    row_hash: str


@dataclass(frozen=True, slots=True)
class FactAnswer:
    """What a source said; a blank value when it has nothing there."""

    value: str
    fetched_at: dt.datetime
    stored: bool = False

    @property
    def value_hash(self) -> str:
        """Tells whether it says the same again."""
        return hash_of(self.value)


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What asking anew brought."""

    asked: int
    changed: int
    failed: int

    def __str__(self) -> str:
        return f"{self.asked} facts asked for anew, {self.changed} changed, {self.failed} failed."


def hash_of(value: str) -> str:
    """32 hex digits."""
    return hashlib.md5(value.encode(), usedforsecurity=False).hexdigest()


def tables() -> list[str]:
    """The tables that sources may know something about."""
    return sorted({get(name).target for name in names() if get(name).takes_facts})


def columns_of(target: str) -> frozenset[str]:
    """The columns of a table that may stand in an address."""
    fields = apps.get_model(target)._meta.concrete_fields  # noqa: SLF001 - Django's documented name
    return frozenset(each.attname for each in fields if not isinstance(each, JSONField))


def offered(enrichment: Enrichment) -> frozenset[str]:
    """The names that sources offer to an enrichment's prompts."""
    if not enrichment.takes_facts:
        return frozenset()
    known = FactSource.objects.filter(target=enrichment.target).values_list("name", flat=True)
    return frozenset(f"{PREFIX}{name}" for name in known)


def in_force(enrichment: Enrichment, wanted: Iterable[str]) -> tuple[Source, ...]:
    """The sources behind these names of prompts; none while external enrichment is off."""
    asked = [name.removeprefix(PREFIX) for name in wanted]
    if not asked or not snapshot.current().processing.get("external_enrichment", False):
        return ()
    rows = FactSource.objects.filter(name__in=asked, target=enrichment.target, is_enabled=True)
    return tuple(Source.of(row) for row in rows)


def check_source(*, target: str, url_template: str, header_name: str, secret_ref: str) -> None:
    """The rules for a source's row, for every surface that writes one; raises BadSource."""
    if target not in tables():
        raise BadSource(
            f"There is no enrichment of {target!r}; there are {', '.join(tables())}.",
            field="target",
        )
    _check_url(url_template, columns_of(target))
    try:
        check_secret_ref(secret_ref)
    except ChangeRefused as refusal:
        raise BadSource(str(refusal), field="secret_ref") from None
    if bool(header_name) != bool(secret_ref):
        blank = "header_name" if secret_ref else "secret_ref"
        raise BadSource("A header and a secret reference go together.", field=blank)


def _check_url(template: str, known: frozenset[str]) -> None:
    compiled = compile_text(template)
    unknown = compiled.names - known
    if unknown:
        raise BadSource(
            f"{{{{{min(unknown)}}}}} is no column; there are {', '.join(sorted(known))}.",
            field="url_template",
        )
    literal = "".join(compiled.parts[::2])
    if "{" in literal or "}" in literal:
        raise BadSource("Write {{column}}; other braces have no meaning.", field="url_template")
    host, slash, _ = compiled.parts[0].partition("://")[2].partition("/")
    if len(compiled.parts) > 1 and not slash and "?" not in host:
        raise BadSource(
            "No part of the host comes from a row: give the host and a slash first.",
            field="url_template",
        )
    try:
        parts = urlsplit(compiled.fill(dict.fromkeys(compiled.names, "x")))
        _ = parts.port  # only reading it checks it
    except ValueError:
        raise BadSource("This is not an address.", field="url_template") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not parts.netloc.isascii():
        raise BadSource("Start with http:// or https:// and a host.", field="url_template")
    if parts.username or parts.password or parts.fragment or "\\" in template:
        raise BadSource(
            "Leave out user name, password and fragment; a key goes into the header.",
            field="url_template",
        )
    if any(not each.isprintable() or each.isspace() for each in template):
        raise BadSource("An address has no spaces; write %20.", field="url_template")


def question(source: Source, row: Mapping[str, Any], *, row_hash: str) -> FactQuestion:
    """What to ask a source about a row."""
    values = {column: _for_address(row[column]) for column in source.columns}
    if not all(values.values()):
        return FactQuestion(source, "", "", row_hash)
    # The person's own part may hold letters that addresses don't have; `%` stays what it is.
    parts = source.url.parts
    url = "".join(
        values[part] if place % 2 else quote(part, safe=_LITERAL)
        for place, part in enumerate(parts)
    )
    return FactQuestion(source, url, source.key_of(url), row_hash)


def _for_address(value: Any) -> str:
    """A row's value, quoted so that it stays one step of a path or one value of a query."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = "" if value is None else " ".join(plain(str(value)).split())[:MAX_VALUE_LENGTH]
    # `..` would be read as a step upwards, quoted or not.
    return "" if not text.strip(".") else quote(text, safe="", errors="replace")


def known(questions: Iterable[FactQuestion], *, any_age: bool = False) -> dict[str, FactAnswer]:
    """What PostgreSQL has, by key; without `any_age` only what is within its time to live."""
    by_key = {each.key: each.source for each in questions if each.key}
    if not by_key:
        return {}
    now = timezone.now()
    rows = Fact.objects.filter(key__in=by_key).values_list("key", "value", "fetched_at")
    return {
        key: FactAnswer(value, fetched_at, stored=True)
        for key, value, fetched_at in rows
        if any_age or now < fetched_at + by_key[key].ttl
    }


_REMEMBER = """
INSERT INTO enrichment_facts AS f (key, source_id, url, value, value_hash, fetched_at)
SELECT u.key, u.source_id, u.url, u.value, u.value_hash, u.fetched_at
FROM unnest(%s::text[], %s::uuid[], %s::text[], %s::text[], %s::text[], %s::timestamptz[])
     AS u(key, source_id, url, value, value_hash, fetched_at)
JOIN enrichment_fact_sources s ON s.id = u.source_id
ORDER BY u.key
FOR KEY SHARE OF s
ON CONFLICT (key) DO UPDATE
SET value = excluded.value, value_hash = excluded.value_hash, fetched_at = excluded.fetched_at
WHERE f.fetched_at < excluded.fetched_at
"""


def remember(cursor: CursorWrapper, said: Iterable[tuple[FactQuestion, FactAnswer]]) -> None:
    """Keep what was fetched, in the cursor's transaction; a source that is gone keeps nothing.

    In the order of the keys, so that lanes with the same facts can't block each other.
    """
    fresh = {each.key: (each, told) for each, told in said if each.key and not told.stored}
    if not fresh:
        return
    cursor.execute(
        _REMEMBER,
        [
            list(fresh),
            [each.source.id for each, _ in fresh.values()],
            [each.url for each, _ in fresh.values()],
            [told.value for _, told in fresh.values()],
            [told.value_hash for _, told in fresh.values()],
            [told.fetched_at for _, told in fresh.values()],
        ],
    )


Answer = FactAnswer | FactMissing


@dataclass(slots=True)
class _Health:
    """Of one source, as far as this process knows."""

    failures: int = 0
    alone_until: float = 0.0


class _SingleFlight:
    """What this process has asked lately, and is asking."""

    def __init__(self) -> None:
        self.answers: OrderedDict[str, tuple[Answer, float]] = OrderedDict()
        self.health: dict[UUID, _Health] = {}
        self.asking: PerLoop[dict[str, asyncio.Task[Answer]]] = PerLoop(dict)
        self.gates: PerLoop[dict[tuple[UUID, int], asyncio.Semaphore]] = PerLoop(dict)

    def begin(self, asked: FactQuestion) -> "asyncio.Task[Answer] | Answer":
        """The answer if it is there, else the task that brings it; one for all who ask."""
        held = self.answers.get(asked.key)
        if held is not None and time.monotonic() < held[1]:
            return held[0]
        asking = self.asking.get()
        task = asking.get(asked.key)
        if task is None:
            task = asking[asked.key] = asyncio.create_task(self._ask(asked))
            task.add_done_callback(lambda _: asking.pop(asked.key, None))
        return task

    async def _ask(self, asked: FactQuestion) -> Answer:
        source = asked.source
        gates = self.gates.get()
        async with gates.setdefault((source.id, source.at_once), asyncio.Semaphore(source.at_once)):
            health = self.health.setdefault(source.id, _Health())
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

    def _learn(self, health: _Health, answer: Answer) -> None:
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


_desk = _SingleFlight()


def forget() -> None:
    """Have this process ask anew; PostgreSQL keeps what it has."""
    _desk.answers.clear()
    _desk.health.clear()


def begin(questions: Iterable[FactQuestion]) -> None:
    """On the event loop: start asking, so that the answers are there when they are needed."""
    for each in questions:
        if each.key:
            _desk.begin(each)


async def ask(asked: FactQuestion) -> FactAnswer:
    """The fact, or a blank one where the source may do without; raises FactMissing."""
    if not asked.key:
        columns = ", ".join(asked.source.columns)
        answer: Answer = FactMissing(
            f"{asked.source.name}: the row has no value to ask with ({columns}).", transient=False
        )
    else:
        found = _desk.begin(asked)
        answer = await asyncio.shield(found) if isinstance(found, asyncio.Task) else found
    if isinstance(answer, FactAnswer) and answer.value:
        return answer
    if isinstance(answer, FactAnswer) and asked.source.required:
        answer = FactMissing(f"{asked.source.name}: it has nothing there.", transient=False)
    if isinstance(answer, FactMissing):
        if asked.source.required:
            raise FactMissing(str(answer), transient=answer.transient)
        # Not what the source said: nothing to keep.
        return FactAnswer("", timezone.now(), stored=True)
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
        return FactAnswer(_read(source, response), timezone.now())
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
    due = kept if everything else kept.filter(fetched_at__lt=timezone.now() - source.ttl)
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


@dataclass(frozen=True, slots=True)
class Trial:
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
        raise BadSelection(f"row_id: {row.target} has no such row.", field="row_id")
    asked = question(source, found, row_hash="")
    key = str(found["pk"])
    if not asked.url:
        columns = ", ".join(source.columns)
        return Trial(key, "", "", f"Row {key} has no value to ask with ({columns}).")
    answer = background_loop.run(fetched(asked))
    if isinstance(answer, FactMissing):
        return Trial(key, asked.url, "", str(answer))
    return Trial(key, asked.url, answer.value, "" if answer.value else "It has nothing there.")


def uses_of(row: FactSource) -> list[str]:
    """The prompts in force that name it, in words."""
    name = f"{PREFIX}{row.name}"
    return [
        str(prompt)
        for prompt in Prompt.objects.filter(is_active=True)
        if name in compile_text(prompt.system).names | compile_text(prompt.user).names
    ]


async def _all_of(questions: Sequence[FactQuestion]) -> list[Answer]:
    gate = asyncio.Semaphore(questions[0].source.at_once)

    async def one(asked: FactQuestion) -> Answer:
        async with gate:
            return await fetched(asked)

    return list(await asyncio.gather(*(one(each) for each in questions)))


def forget_old() -> int:
    """Delete facts that nobody has needed for a month beyond their time; returns how many."""
    gone = 0
    for row in FactSource.objects.all():
        until = timezone.now() - dt.timedelta(seconds=row.ttl_seconds) - FORGET_AFTER
        gone += Fact.objects.filter(source=row, fetched_at__lt=until).delete()[0]
    return gone

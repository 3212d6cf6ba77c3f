"""What configured sources are asked about a row, and how their answers are keyed.

A fact belongs to an address: rows that lead to the same address share it.
"""

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote
from uuid import UUID

import orjson
from msgspec import Struct

from enrichment.enrichments.contract import Enrichment
from enrichment.models import FactSource, WithoutFact
from enrichment.plain_text import plain
from enrichment.substitution import Template, compile_text
from llmconfig.configuration import snapshot

PREFIX = "fact_"
MAX_VALUE_LENGTH = 300  # characters of a row's value in an address
_LITERAL = ":/?#[]@!$&'()*+,;=%~-._"


class Source(Struct, frozen=True):
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
        """The source that a configured row describes."""
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
        """The name by which prompts use the source's facts."""
        return f"{PREFIX}{self.name}"

    def key_of(self, url: str) -> str:
        """Where its answer at an address is kept; what is used of it belongs to that."""
        told = orjson.dumps([str(self.id), url, self.pointer, self.longest])
        return hashlib.md5(told, usedforsecurity=False).hexdigest()


class FactQuestion(Struct, frozen=True):
    """What a source is asked about a row; a blank `url` when the row lacks a value to ask with."""

    source: Source
    url: str
    key: str
    row_hash: str


def in_force(enrichment: Enrichment, wanted: Iterable[str]) -> tuple[Source, ...]:
    """The sources behind these names of prompts; none while external enrichment is off."""
    asked = [name.removeprefix(PREFIX) for name in wanted]
    if not asked or not snapshot.current().processing.get("external_enrichment", False):
        return ()
    rows = FactSource.objects.filter(name__in=asked, target=enrichment.target, is_enabled=True)
    return tuple(Source.of(row) for row in rows)


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

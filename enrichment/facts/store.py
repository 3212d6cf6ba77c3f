"""Facts in PostgreSQL, each for its source's time to live."""

import datetime as dt
import hashlib
from collections.abc import Iterable

from django.db.backends.utils import CursorWrapper
from msgspec import Struct

from enrichment.facts.questions import FactQuestion
from enrichment.models import Fact, FactSource
from llmconfig.runtime import database_clock

FORGET_AFTER = dt.timedelta(days=30)  # past its time to live


class FactAnswer(Struct, frozen=True):
    """What a source said; a blank value when it has nothing there."""

    value: str
    fetched_at: dt.datetime
    stored: bool = False

    @property
    def value_hash(self) -> str:
        """Tells whether it says the same again."""
        return hash_of(self.value)


def hash_of(value: str) -> str:
    """The MD5 of a fact's text as 32 hexadecimal digits, by which changes are noticed."""
    return hashlib.md5(value.encode(), usedforsecurity=False).hexdigest()


def known(questions: Iterable[FactQuestion], *, any_age: bool = False) -> dict[str, FactAnswer]:
    """What PostgreSQL has, by key; without `any_age` only what is within its time to live."""
    by_key = {each.key: each.source for each in questions if each.key}
    if not by_key:
        return {}
    now = database_clock.now()
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


def forget_old() -> int:
    """Delete facts that nobody has needed for a month beyond their time; returns how many."""
    gone = 0
    for row in FactSource.objects.all():
        until = database_clock.now() - dt.timedelta(seconds=row.ttl_seconds) - FORGET_AFTER
        gone += Fact.objects.filter(source=row, fetched_at__lt=until).delete()[0]
    return gone

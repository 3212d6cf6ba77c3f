"""Patterns from the history into `llm_patterns`: the same answers always make the same rows."""

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from django.db import connection, transaction
from msgspec import Struct

from llmconfig.runtime import advisory_locks
from llmconfig.runtime.direct_sessions import direct_session
from metrics.analyzers.intervals import Share
from metrics.analyzers.sequential import p_of_shares
from metrics.models import Pattern
from metrics.models.patterns import PatternType
from metrics.patterns import history, problems, proposals, sources
from metrics.patterns.history import GoodAnswer, Span, Version
from metrics.patterns.problems import Cluster

DAYS = 30
FEWEST = 3  # answers that make a pattern
MIN_ANSWERS = 20  # before a prompt is said to be good
MIN_VERDICTS = 10
EXAMPLES = 3
DIFFERENT = 0.7  # of two prompts' words together, those that both have, at most


class Mined(Struct, frozen=True):
    """How many patterns and proposals a run of the miner stored."""

    patterns: int
    proposals: int


class _Mined(Struct, frozen=True):
    """A pattern as it will be stored; `key` names it within its type, kind of use and operation."""

    pattern_type: PatternType
    node_type: str
    operation: str
    key: str
    data: dict[str, Any]
    usage_count: int
    score: float | None
    last: dt.datetime | None

    @property
    def fingerprint(self) -> str:
        words = (self.pattern_type.value, self.node_type, self.operation, self.key)
        return hashlib.sha256("\x1f".join(words).encode()).hexdigest()


@direct_session()
def mine(*, now: dt.datetime | None = None, days: int = DAYS) -> Mined:
    """Mine the last days' answers; nothing, while another process does it."""
    until = now or dt.datetime.now(dt.UTC)
    span = Span(until - dt.timedelta(days=days), until)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [advisory_locks.PATTERN_MINING])
        if not cursor.fetchone()[0]:
            return Mined(0, 0)
        try:
            return _mine(span)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [advisory_locks.PATTERN_MINING])


def _mine(span: Span) -> Mined:
    versions = history.versions(span)
    clusters = problems.clustered(history.problems(span))
    found = [
        *_errors(clusters, versions),
        *_prompts(versions),
        *_successes(history.good_answers(span), versions),
    ]
    _store(found)
    return Mined(len(found), proposals.renew(versions, clusters))


def _errors(clusters: Iterable[Cluster], versions: Sequence[Version]) -> list[_Mined]:
    totals: Counter[tuple[str, str]] = Counter()
    last: dict[tuple[str, str], dt.datetime] = {}
    for each in versions:
        key = (each.node_type, each.operation)
        totals[key] += each.passed.number
        last[key] = max(last.get(key, each.last), each.last)
    return [
        _error(cluster, totals[cluster.node_type, cluster.operation],
               last.get((cluster.node_type, cluster.operation)))
        for cluster in clusters
        if cluster.answers >= FEWEST
    ]  # fmt: skip


def _error(cluster: Cluster, total: int, last: dt.datetime | None) -> _Mined:
    judged = [each.accepted for each in cluster.problems if each.accepted is not None]
    share = Share(cluster.answers, max(total, cluster.answers))
    data = {
        "operation": cluster.operation,
        "found_by": cluster.source,
        "code": cluster.code,
        "message": cluster.message,
        "said": cluster.said[: problems.LONGEST],
        "share": shown(share),
        # Of the answers with it that people judged, how many were good all the same.
        "success_rate": shown(Share(sum(judged), len(judged))),
        "by_prompt_version": _counted(each.prompt_version for each in cluster.problems),
        "by_model": _counted(each.model for each in cluster.problems),
        "examples": cluster.examples(),
    }
    return _Mined(
        PatternType.COMMON_ERROR,
        cluster.node_type,
        cluster.operation,
        f"{cluster.source}\x1f{cluster.message}",
        data,
        cluster.answers,
        None,
        last,
    )


def _prompts(versions: Sequence[Version]) -> list[_Mined]:
    """Of each operation, versions whose answers are good and no worse than the best one's."""
    found = []
    ordered = sorted(versions, key=lambda each: (each.node_type, each.operation))
    for _, group in groupby(ordered, key=lambda each: (each.node_type, each.operation)):
        known = [
            each for each in group if each.version is not None and each.passed.number >= MIN_ANSWERS
        ]
        best = max(known, key=lambda each: each.passed.low, default=None)
        if best is None or best.score.number < MIN_ANSWERS or best.score.mean < history.GOOD:
            continue
        found.append(_prompt(best, [each for each in known if each is not best]))
    return found


def _prompt(best: Version, others: Sequence[Version]) -> _Mined:
    version = best.version or 0
    texts = sources.texts(best.operation, version)
    data = {
        "operation": best.operation,
        "prompt_version": version,
        "template": {"system": texts.system, "user": texts.user} if texts else None,
        "success_rate": shown(best.passed),
        "accepted": shown(best.accepted),
        "score": {"mean": best.score.mean, "low": best.score.low, "high": best.score.high},
        "answer_characters": round(best.length),
        "compared": [
            {
                "prompt_version": each.version,
                "success_rate": shown(each.passed),
                "answer_characters": round(each.length),
                "p": p_of_shares(best.passed, each.passed),
            }
            for each in others
        ],
    }
    return _Mined(
        PatternType.HIGH_QUALITY_PROMPT,
        best.node_type,
        best.operation,
        str(version),
        data,
        best.passed.number,
        best.score.mean,
        best.last,
    )


def _successes(answers: Sequence[GoodAnswer], versions: Sequence[Version]) -> list[_Mined]:
    totals: Counter[tuple[str, str]] = Counter()
    for each in versions:
        totals[each.node_type, each.operation] += each.passed.number
    found = []
    for (node_type, operation), group in groupby(
        answers, key=lambda each: (each.node_type, each.operation)
    ):
        kind = list(group)
        if kind[0].of < FEWEST:
            continue
        data = {
            "operation": operation,
            "success_rate": shown(Share(kind[0].of, max(totals[node_type, operation], kind[0].of))),
            "examples": [
                {
                    "call": each.call,
                    "prompt": each.prompt,
                    "answer": each.answer,
                    "score": each.score,
                    "accepted": each.accepted,
                }
                for each in _different(kind)
            ],
        }
        score = sum(each.score for each in kind) / len(kind)
        last = max(each.last for each in versions
                   if (each.node_type, each.operation) == (node_type, operation))  # fmt: skip
        found.append(
            _Mined(
                PatternType.SUCCESSFUL_IMPLEMENTATION,
                node_type,
                operation,
                "",
                data,
                kind[0].of,
                score,
                last,
            )
        )
    return found


def _different(answers: Sequence[GoodAnswer]) -> list[GoodAnswer]:
    """The first ones that aren't about nearly the same."""
    chosen: list[tuple[set[str], GoodAnswer]] = []
    for each in answers:
        words = set(each.answer.lower().split())
        if all(len(words & known) <= DIFFERENT * len(words | known) for known, _ in chosen):
            chosen.append((words, each))
        if len(chosen) == EXAMPLES:
            break
    return [each for _, each in chosen]


def _store(found: Sequence[_Mined]) -> None:
    """Keep a pattern's id and birth when it is found again; what isn't any more goes."""
    with transaction.atomic():
        Pattern.objects.filter(fingerprint__isnull=False).exclude(
            fingerprint__in=[each.fingerprint for each in found]
        ).delete()
        Pattern.objects.bulk_create(
            [
                Pattern(
                    pattern_type=each.pattern_type,
                    node_type=each.node_type,
                    pattern_data=each.data,
                    usage_count=each.usage_count,
                    avg_quality_score=each.score,
                    last_used_at=each.last,
                    fingerprint=each.fingerprint,
                )
                for each in found
            ],
            update_conflicts=True,
            unique_fields=["fingerprint"],
            update_fields=["pattern_data", "usage_count", "avg_quality_score", "last_used_at"],
        )


def shown(share: Share) -> dict[str, Any]:
    """A share as JSON: hits, number, value and interval."""
    return {
        "hits": share.hits,
        "of": share.number,
        "value": share.value,
        "low": share.low,
        "high": share.high,
    }


def _counted(values: Iterable[object]) -> dict[str, int]:
    return {str(value): number for value, number in Counter(values).most_common(10)}

"""What mining reads of the past: sums by prompt version, reasons against answers, good answers."""

import datetime as dt
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

import orjson
from django.db import connection
from msgspec import Struct

from metrics.analyzers.intervals import Sample, Share
from metrics.patterns.problems import Problem
from metrics.quality.parts import ScorePart
from metrics.quality.stored import parts_in

OURS = "metrics"  # the service name of our own calls, which teach nothing
MAX_ROWS = 50_000  # answers with a reason against them, newest first
MAX_GOOD_ANSWERS = 200  # of an operation, from which examples are taken
GOOD = 0.85  # an answer from here on is a good example
# How an answer ends that was ended, not finished: in OpenAI's words, which the client keeps to.
CUT_SHORT = ("length", "content_filter")
EXCERPT = 1000  # characters of an example's text
_JOIN = """
FROM llm_generation_history AS h JOIN llm_generation_metrics AS m
    ON m.correlation_id = h.correlation_id AND m.created_at = h.created_at
WHERE h.created_at >= %(since)s AND h.created_at < %(until)s
    AND m.created_at >= %(since)s AND m.created_at < %(until)s
    AND m.service_name <> %(ours)s
"""
SUMS = f"""
SELECT h.node_type, m.operation_type, m.prompt_version, count(*),
    count(*) FILTER (WHERE h.validation_passed), count(h.user_accepted),
    count(*) FILTER (WHERE h.user_accepted AND h.manual_edits_required IS NOT TRUE),
    count(h.quality_score), coalesce(avg(h.quality_score), 0),
    coalesce(var_samp(h.quality_score), 0), max(h.created_at), avg(m.response_length)::float8
{_JOIN} GROUP BY 1, 2, 3
"""
REASONS = f"""
SELECT h.node_type, m.operation_type, m.prompt_version, m.provider || '/' || m.model_used,
    h.correlation_id, h.quality_parts, h.user_accepted, h.user_feedback, m.error_code,
    m.attempts -> -1 ->> 'detail', m.truncated, coalesce(m.finish_reason, '')
{_JOIN} AND (NOT h.validation_passed OR h.user_feedback IS NOT NULL OR m.error_code <> ''
    OR m.truncated OR m.finish_reason = ANY(%(cut_short)s))
ORDER BY h.created_at DESC, h.id DESC LIMIT {MAX_ROWS}
"""
GOOD_ANSWERS = f"""
SELECT node_type, operation_type, correlation_id, left(prompt_text, {EXCERPT}),
    left(generated_code, {EXCERPT}), quality_score, user_accepted, number
FROM (
    SELECT h.*, m.operation_type, count(*) OVER kind AS number, row_number() OVER (
        PARTITION BY h.node_type, m.operation_type
        ORDER BY h.user_accepted DESC NULLS LAST, h.quality_score DESC, h.created_at DESC,
            h.id DESC
    ) AS place
    {_JOIN} AND h.validation_passed AND h.quality_score >= {GOOD}
        AND h.user_accepted IS NOT FALSE AND h.manual_edits_required IS NOT TRUE
    WINDOW kind AS (PARTITION BY h.node_type, m.operation_type)
) AS good WHERE place <= {MAX_GOOD_ANSWERS} ORDER BY node_type, operation_type, place
"""  # noqa: S608 - as above


class Span(Struct, frozen=True):
    """The time from `since` until `until` whose calls are mined."""

    since: dt.datetime
    until: dt.datetime

    @property
    def values(self) -> dict[str, Any]:
        return {
            "since": self.since, "until": self.until, "ours": OURS, "cut_short": list(CUT_SHORT),
        }  # fmt: skip


class Version(Struct, frozen=True):
    """The answers of one version of an operation's prompt; `accepted` are those used unchanged."""

    node_type: str
    operation: str
    version: int | None
    passed: Share
    accepted: Share
    score: Sample
    last: dt.datetime
    length: float  # characters of an answer, on average


class GoodAnswer(Struct, frozen=True):
    """An answer that passed all checks and that no person took exception to."""

    node_type: str
    operation: str
    call: str
    prompt: str
    answer: str
    score: float
    accepted: bool | None
    of: int  # how many such answers there are


def versions(span: Span) -> list[Version]:
    """All of them, of every operation."""
    with connection.cursor() as cursor:
        cursor.execute(SUMS, span.values)
        return [
            Version(
                node_type,
                operation,
                version,
                Share(passed, number),
                Share(unchanged, judged),
                Sample(scored, mean, variance),
                last,
                length,
            )
            for node_type, operation, version, number, passed, judged, unchanged, scored, mean,
            variance, last, length in cursor.fetchall()
        ]  # fmt: skip


def problems(span: Span) -> Iterator[Problem]:
    """Each reason against an answer: a check's, a reviewer's, or why the call failed."""
    with connection.cursor() as cursor:
        cursor.execute(REASONS, span.values)
        rows = cursor.fetchall()
    for (
        node_type,
        operation,
        version,
        model,
        call,
        stored,
        accepted,
        words,
        code,
        detail,
        truncated,
        finish_reason,
    ) in rows:
        said: list[tuple[str, str, str]] = []  # source, text, code
        # Django leaves JSON as text outside of its models.
        for part in parts_in(orjson.loads(stored) if stored else None):
            said += _notes(part)
        if words:
            said.append(("reviewer", words, ""))
        if code and not said:
            said.append(("call", f"{code}: {detail}" if detail else code, ""))
        elif truncated or finish_reason in CUT_SHORT:
            said.append(("call", f"The answer was cut short: {finish_reason or 'length'}.", ""))
        for source, text, name in said:
            yield Problem(node_type, operation, source, text, call, version, model, accepted, name)


def _notes(part: ScorePart) -> list[tuple[str, str, str]]:
    if part.passed:
        return []
    coded = zip_longest(part.notes, part.codes[: len(part.notes)], fillvalue="")
    return [("check", note, code) for note, code in coded]


def good_answers(span: Span) -> list[GoodAnswer]:
    """The best of each operation: those that people accepted first."""
    with connection.cursor() as cursor:
        cursor.execute(GOOD_ANSWERS, span.values)
        return [
            GoodAnswer(node_type, operation, str(call), prompt, answer, score, accepted, number)
            for node_type, operation, call, prompt, answer, score, accepted, number
            in cursor.fetchall()
        ]  # fmt: skip

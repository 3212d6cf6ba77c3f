"""The slow checks: run over answers that wait in `llm_quality_waiting`, never while calls are made.

A worker takes some answers for a while, looks at them outside of any transaction, and writes scores
and the calls' columns in one. If it dies, the answers are taken again, three times in all.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone
from msgspec import Struct

from llmconfig.runtime.records import asdict
from metrics.models import GenerationHistory, WaitingAnswer
from metrics.quality import checks, rules
from metrics.quality.checks import CheckFinding, JudgedAnswer
from metrics.quality.parts import ScorePart, score
from metrics.quality.python_code import CodeReport, examine
from metrics.quality.rules import Rule
from metrics.quality.stored import stored_parts

TOGETHER = 50
MAX_ROUND_TIME = dt.timedelta(minutes=10)  # after which a worker counts as dead
MAX_TRIES = 3
MAX_TEXT_LENGTH = 1_000_000  # characters; longer answers are left unscored
COLUMNS = ("syntax_valid", "has_type_hints", "onex_compliant")

SCORES = """
UPDATE llm_generation_history AS h
SET quality_score = new.score, quality_parts = new.parts,
    validation_passed = h.validation_passed AND new.passed
FROM unnest(%s::uuid[], %s::timestamptz[], %s::float8[], %s::jsonb[], %s::bool[])
    AS new (id, created_at, score, parts, passed)
WHERE h.id = new.id AND h.created_at = new.created_at
"""
FLAGS = """
UPDATE llm_generation_metrics AS m
SET syntax_valid = coalesce(new.syntax, m.syntax_valid),
    has_type_hints = coalesce(new.hints, m.has_type_hints),
    onex_compliant = coalesce(new.onex, m.onex_compliant),
    security_issues = coalesce(new.issues, m.security_issues)
FROM unnest(%s::uuid[], %s::timestamptz[], %s::bool[], %s::bool[], %s::bool[], %s::jsonb[])
    AS new (id, created_at, syntax, hints, onex, issues)
WHERE m.correlation_id = new.id AND m.created_at = new.created_at
"""
ENQUEUE = """
INSERT INTO llm_quality_waiting (correlation_id, created_at, operation_type)
SELECT DISTINCT h.correlation_id, h.created_at, m.operation_type
FROM llm_generation_history AS h JOIN llm_generation_metrics AS m
    ON m.correlation_id = h.correlation_id AND m.created_at = h.created_at
WHERE h.created_at >= %s AND h.created_at < %s AND m.created_at >= %s AND m.created_at < %s
    AND m.error_code = '' AND m.operation_type = ANY(%s)
    AND NOT EXISTS (
        SELECT FROM llm_quality_waiting AS w WHERE w.correlation_id = h.correlation_id
    )
"""


class _Checked(Struct, frozen=True):
    """A row of the history with all that is known of it now."""

    row: GenerationHistory
    parts: tuple[ScorePart, ...]
    columns: dict[str, Any]
    score: float | None

    @property
    def passed(self) -> bool:
        """Whether no check holds it back."""
        return all(part.passed for part in self.parts)


def score_waiting(*, most: int = 1000) -> int:
    """Check answers that wait, up to `most`; how many got a score."""
    done = 0
    while done < most and (taken := _take()):
        done += _score(taken)
    return done


def enqueue(*, since: dt.datetime, until: dt.datetime, only: Sequence[str] | None = None) -> int:
    """Have past answers, or `only` these operations', checked by the rules of now; how many."""
    in_force = rules.current()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT operation_type FROM llm_metrics_by_day"
            " WHERE period_start >= date_trunc('day', %s::timestamptz, 'UTC')"
            " AND period_start < %s",
            [since, until],
        )
        operations = [
            name
            for (name,) in cursor.fetchall()
            if in_force.slow(name) and (only is None or name in only)
        ]
        cursor.execute(ENQUEUE, [since, until, since, until, operations])
        return int(cursor.rowcount)


def _take() -> list[WaitingAnswer]:
    """Some answers that nobody else works on; those that no worker survived are given up."""
    now = timezone.now()
    free = Q(taken_at__isnull=True) | Q(taken_at__lt=now - MAX_ROUND_TIME)
    with transaction.atomic():
        found = list(
            WaitingAnswer.objects.select_for_update(skip_locked=True)
            .filter(free)
            .order_by("id")[:TOGETHER]
        )
        lost = [each.pk for each in found if each.tries >= MAX_TRIES]
        WaitingAnswer.objects.filter(pk__in=lost).delete()
        taken = [each for each in found if each.tries < MAX_TRIES]
        WaitingAnswer.objects.filter(pk__in=[each.pk for each in taken]).update(
            taken_at=now, tries=F("tries") + 1
        )
    return taken


def _score(taken: Sequence[WaitingAnswer]) -> int:
    operations = {each.correlation_id: each.operation_type for each in taken}
    moments = [each.created_at for each in taken]
    rows = GenerationHistory.objects.filter(
        correlation_id__in=list(operations),
        created_at__gte=min(moments),
        created_at__lte=max(moments),
    ).order_by("created_at")
    answers = [row for row in rows if 0 < len(row.generated_code) <= MAX_TEXT_LENGTH]
    checked = _checked(answers, operations)
    with transaction.atomic():
        _store(checked)
        WaitingAnswer.objects.filter(pk__in=[each.pk for each in taken]).delete()
    return len(checked)


def _checked(rows: Sequence[GenerationHistory], operations: dict[UUID, str]) -> list[_Checked]:
    in_force = rules.current()
    reports = _reports([(row, in_force.of(operations[row.correlation_id])) for row in rows])
    found = []
    for row in rows:
        operation = operations[row.correlation_id]
        findings = _findings(row, operation, in_force.of(operation), reports.get(row.pk))
        parts = _merged(row, findings)
        columns = {name: value for each in findings for name, value in each.columns.items()}
        found.append(_Checked(row, parts, columns, score(parts, in_force.weights(operation))))
    return found


def _findings(
    row: GenerationHistory, operation: str, wanted: Sequence[Rule], code: CodeReport | None
) -> list[CheckFinding]:
    findings = []
    for rule in wanted:
        check = checks.get(rule.check)
        if check is not None and check.run is not None:
            answer = JudgedAnswer(
                row.generated_code, row.prompt_text, operation, row.method_name, rule.schema, code
            )
            findings.append(check.run(answer))
    return findings


def _reports(
    asked: Sequence[tuple[GenerationHistory, Sequence[Rule]]],
) -> dict[UUID, CodeReport]:
    """What the child process says of answers that some check reads as Python."""
    wanted = []
    for row, row_rules in asked:
        names = {
            rule.check
            for rule in row_rules
            if (check := checks.get(rule.check)) is not None and check.reads_code
        }
        if names:
            wanted.append((row, "python_security" in names))
    reports = examine([row.generated_code for row, _ in wanted], scan=[scan for _, scan in wanted])
    return {row.pk: report for (row, _), report in zip(wanted, reports, strict=True)}


def _merged(row: GenerationHistory, findings: Sequence[CheckFinding]) -> tuple[ScorePart, ...]:
    """What was told with the call, and what was found now; a check's newest finding holds."""
    parts = {part.check: part for part in stored_parts(row)}
    parts |= {each.part.check: each.part for each in findings if each.part is not None}
    return tuple(parts.values())


def _store(checked: Sequence[_Checked]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            SCORES,
            [
                [each.row.pk for each in checked],
                [each.row.created_at for each in checked],
                [each.score for each in checked],
                [orjson.dumps([asdict(part) for part in each.parts]).decode() for each in checked],
                [each.passed for each in checked],
            ],
        )
        cursor.execute(
            FLAGS,
            [
                [each.row.correlation_id for each in checked],
                [each.row.created_at for each in checked],
                *([each.columns.get(name) for each in checked] for name in COLUMNS),
                [_issues(each) for each in checked],
            ],
        )


def _issues(checked: _Checked) -> str | None:
    found = checked.columns.get("security_issues")
    return None if found is None else orjson.dumps(found).decode()

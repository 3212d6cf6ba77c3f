"""How good answers were, by what made them, with intervals; as long as their texts are kept."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection
from django.db.models import TextChoices

from metrics.analyzers.intervals import Sample, Share

_MODEL = {"provider": "m.provider", "model": "m.model_used"}
_OPERATION = {"operation": "m.operation_type"}
_PROMPT = {**_OPERATION, "version": "m.prompt_version"}


class Grouping(TextChoices):
    """What answers are told apart by."""

    NODE = "node", "Node"
    MODEL = "model", "Model"
    OPERATION = "operation", "Operation"
    PROMPT = "prompt", "Prompt's version"
    PROMPT_AND_MODEL = "prompt_and_model", "Prompt's version and model"


# The columns of each, by the names that the list of calls filters by.
COLUMNS: Mapping[Grouping, Mapping[str, str]] = {
    Grouping.NODE: {"node": "h.method_name"},
    Grouping.MODEL: _MODEL,
    Grouping.OPERATION: _OPERATION,
    Grouping.PROMPT: _PROMPT,
    Grouping.PROMPT_AND_MODEL: {**_PROMPT, **_MODEL},
}


@dataclass(frozen=True, slots=True)
class Quality:
    """Answers of one group, which `keys` names; None: their calls are no longer kept, or untold.

    `accepted` and `edited` are shares of those that people judged; `score` is over the scored ones;
    the others are over the answers that this check looked at, `safe` those without findings.
    """

    keys: Mapping[str, str | int | None]
    passed: Share
    accepted: Share
    edited: Share
    score: Sample
    syntax_valid: Share
    type_hints: Share
    compliant: Share
    safe: Share

    @property
    def name(self) -> str:
        """In words: `translation v3 openai/gpt-4o`."""
        told = {name: str(value) for name, value in self.keys.items() if value not in {None, ""}}
        version = f"v{told['version']}" if "version" in told else ""
        model = "/".join(told[name] for name in ("provider", "model") if name in told)
        words = (told.get("node"), told.get("operation"), version, model)
        return " ".join(filter(None, words))

    @property
    def average_score(self) -> float | None:
        """The mean score, None when none is scored."""
        return self.score.mean if self.score.number else None


def quality(
    *,
    since: dt.datetime,
    until: dt.datetime,
    by: Grouping,
    operation: str | None = None,
    prompt_version: int | None = None,
) -> list[Quality]:
    """The groups with answers in this time, the most answers first.

    With an operation or a version only its answers. Reads the calls themselves, so bound it well.
    """
    names = COLUMNS[by]
    columns = ", ".join(names.values())
    with connection.cursor() as cursor:
        # All but the values are our own names.
        cursor.execute(
            f"SELECT {columns}, count(*), count(*) FILTER (WHERE h.validation_passed),"  # noqa: S608
            " count(h.user_accepted), count(*) FILTER (WHERE h.user_accepted),"
            " count(*) FILTER (WHERE h.user_accepted IS NOT NULL AND h.manual_edits_required),"
            " count(h.quality_score), coalesce(avg(h.quality_score), 0),"
            " coalesce(var_samp(h.quality_score), 0),"
            " count(m.syntax_valid), count(*) FILTER (WHERE m.syntax_valid),"
            " count(m.has_type_hints), count(*) FILTER (WHERE m.has_type_hints),"
            " count(m.onex_compliant), count(*) FILTER (WHERE m.onex_compliant),"
            " count(m.security_issues), count(*) FILTER (WHERE m.security_issues = '[]')"
            " FROM llm_generation_history AS h LEFT JOIN llm_generation_metrics AS m"
            " ON m.correlation_id = h.correlation_id AND m.created_at >= %s AND m.created_at < %s"
            " WHERE h.created_at >= %s AND h.created_at < %s"
            " AND (%s::text IS NULL OR m.operation_type = %s)"
            " AND (%s::int IS NULL OR m.prompt_version = %s)"
            f" GROUP BY {columns} ORDER BY count(*) DESC, {columns}",
            [since, until, since, until, operation, operation, prompt_version, prompt_version],
        )
        return [
            _quality(dict(zip(names, row, strict=False)), *row[len(names) :])
            for row in cursor.fetchall()
        ]


def _quality(  # noqa: PLR0913, PLR0917 - a row of the query
    keys: Mapping[str, str | int | None],
    number: int,
    passed: int,
    judged: int,
    accepted: int,
    edited: int,
    scored: int,
    mean: float,
    variance: float,
    *flags: int,
) -> Quality:
    checks = [Share(flags[place + 1], flags[place]) for place in (0, 2, 4, 6)]
    return Quality(
        keys,
        Share(passed, number),
        Share(accepted, judged),
        Share(edited, judged),
        Sample(scored, mean, variance),
        *checks,
    )

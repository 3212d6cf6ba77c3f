"""How good answers were, by what made them, with intervals; as long as their texts are kept."""

import datetime as dt
from dataclasses import dataclass

from django.db import connection
from django.db.models import TextChoices

from metrics.analyzers.intervals import Sample, Share


class Grouping(TextChoices):
    """What answers are told apart by."""

    NODE = "node", "Node"
    MODEL = "model", "Model"
    OPERATION = "operation", "Operation"
    PROMPT = "prompt", "Prompt's version"
    PROMPT_AND_MODEL = "prompt_and_model", "Prompt's version and model"


_MODEL = "coalesce(m.provider || '/' || m.model_used, '')"
_PROMPT = "coalesce(m.operation_type || ' v' || m.prompt_version, '')"
COLUMNS = {
    Grouping.NODE: "h.method_name",
    Grouping.MODEL: _MODEL,
    Grouping.OPERATION: "coalesce(m.operation_type, '')",
    Grouping.PROMPT: _PROMPT,
    Grouping.PROMPT_AND_MODEL: f"{_PROMPT} || ' ' || {_MODEL}",
}


@dataclass(frozen=True, slots=True)
class Quality:
    """Answers of one group.

    `accepted` and `edited` are shares of those that people judged; `score` is over the scored ones;
    the others are over the answers that this check looked at, `safe` those without findings.
    """

    name: str
    passed: Share
    accepted: Share
    edited: Share
    score: Sample
    syntax_valid: Share
    type_hints: Share
    compliant: Share
    safe: Share

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
    column = COLUMNS[by]
    with connection.cursor() as cursor:
        # All but the values are our own names.
        cursor.execute(
            f"SELECT {column}, count(*), count(*) FILTER (WHERE h.validation_passed),"  # noqa: S608
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
            " GROUP BY 1 ORDER BY 2 DESC, 1",
            [since, until, since, until, operation, operation, prompt_version, prompt_version],
        )
        return [_quality(*row) for row in cursor.fetchall()]


def _quality(  # noqa: PLR0913, PLR0917 - a row of the query
    name: str,
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
        name,
        Share(passed, number),
        Share(accepted, judged),
        Share(edited, judged),
        Sample(scored, mean, variance),
        *checks,
    )

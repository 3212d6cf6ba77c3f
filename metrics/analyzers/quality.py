"""How good answers were, by what made them, with intervals; from sums that outlive the texts.

They are never behind: hours that aren't summed up yet are counted from their answers. Periods are
whole hours in UTC up to two days, whole days beyond.
"""

import datetime as dt
from collections.abc import Mapping

from django.db import connection, transaction
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from msgspec import Struct

from llmconfig.configuration import time_zones
from metrics.analyzers.intervals import Sample, Share
from metrics.questions import Grain, start_of
from metrics.rollups import QUALITY_SUMS

_MODEL = {"provider": "provider", "model": "model_used"}
_OPERATION = {"operation": "operation_type"}
_PROMPT = {**_OPERATION, "version": "prompt_version"}
BY_HOURS = dt.timedelta(days=2)  # up to which hours are read, not days


VIEWS = {Grain.HOUR: "llm_quality_by_hour", Grain.DAY: "llm_quality_by_day"}
SUMMED = ", ".join(
    f"sum({name}){'' if name.startswith('score_') else '::bigint'}" for name in QUALITY_SUMS
)


class Grouping(TextChoices):
    """What answers are told apart by."""

    NODE = "node", _("Node")
    MODEL = "model", _("Model")
    OPERATION = "operation", _("Operation")
    PROMPT = "prompt", _("Prompt's version")
    PROMPT_AND_MODEL = "prompt_and_model", _("Prompt's version and model")


# The columns of each, by the names that the list of calls filters by.
COLUMNS: Mapping[Grouping, Mapping[str, str]] = {
    Grouping.NODE: {"node": "method_name"},
    Grouping.MODEL: _MODEL,
    Grouping.OPERATION: _OPERATION,
    Grouping.PROMPT: _PROMPT,
    Grouping.PROMPT_AND_MODEL: {**_PROMPT, **_MODEL},
}


class Quality(Struct, frozen=True):
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

    With an operation or a version only its answers.
    """
    names = COLUMNS[by]
    columns = ", ".join(names.values())
    by_hours = until - since <= BY_HOURS or time_zones.default().key != "UTC"
    grain = Grain.HOUR if by_hours else Grain.DAY
    with transaction.atomic(), connection.cursor() as cursor:
        # The planner takes the hours that wait for many, and compiling costs more than it gains.
        cursor.execute("SET LOCAL jit = off")
        # All but the values are our own names.
        cursor.execute(
            f"SELECT {columns}, {SUMMED} FROM {VIEWS[grain]}"  # noqa: S608
            " WHERE period_start >= %s AND period_start < %s"
            " AND (%s::text IS NULL OR operation_type = %s)"
            " AND (%s::int IS NULL OR prompt_version = %s)"
            f" GROUP BY {columns} ORDER BY sum(answers) DESC, {columns}",
            [start_of(since, grain), until, operation, operation, prompt_version, prompt_version],
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
    score_sum: float,
    squares: float,
    *flags: int,
) -> Quality:
    checks = [Share(flags[place + 1], flags[place]) for place in (0, 2, 4, 6)]
    return Quality(
        keys,
        Share(passed, number),
        Share(accepted, judged),
        Share(edited, judged),
        _sample(scored, score_sum, squares),
        *checks,
    )


def _sample(number: int, total: float, squares: float) -> Sample:
    """Mean and variance from sums; zeros where there are too few for them."""
    mean = total / number if number else 0.0
    variance = (squares - total * mean) / (number - 1) if number > 1 else 0.0
    return Sample(number, mean, max(variance, 0.0))

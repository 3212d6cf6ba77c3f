"""What an experiment's calls show: its arms side by side, held against each other and its gates."""

import datetime as dt

from django.db import connection
from msgspec import Struct

from llmconfig.models import Experiment
from metrics.analyzers.intervals import Sample, Share
from metrics.analyzers.judging import (
    MIN_CALLS,
    Arm,
    ArmJudgement,
    Margins,
    MeasureDifference,
    hold_to_gates,
    judge,
)

USUAL_DAYS = 7  # of an experiment that was never started


class Comparison(Struct, frozen=True):
    """The arms by name, every comparison that they have enough calls for, and the judgements.

    Judgements need the experiment's row and an arm that overrides nothing.
    """

    since: dt.datetime
    until: dt.datetime
    fewest_calls: int
    control: str
    arms: tuple[Arm, ...]
    differences: tuple[MeasureDifference, ...]
    judgements: tuple[ArmJudgement, ...]


def compare(
    name: str, *, since: dt.datetime | None = None, until: dt.datetime | None = None
) -> Comparison:
    """The experiment's calls from its start on, or in this time. Reads the calls themselves."""
    row = Experiment.objects.prefetch_related("arms").filter(name=name).first()
    end = until or dt.datetime.now(dt.UTC)
    start = since or (row.started_at if row else None) or end - dt.timedelta(days=USUAL_DAYS)
    arms = _arms(name, since=start, until=end)
    fewest = row.fewest_calls if row else MIN_CALLS
    differences = judge(arms, fewest=fewest)
    controls = [arm.name for arm in row.arms.all() if arm.is_control] if row else []
    control = next((arm for arm in arms if [arm.name] == controls), None)
    judgements: list[ArmJudgement] = []
    if row is not None and control is not None:
        margins = Margins(row.most_quality_loss, row.most_cost_increase, row.most_latency_increase)
        judgements = [
            hold_to_gates(arm, control, differences, margins, fewest=fewest)
            for arm in arms
            if arm is not control
        ]
    return Comparison(
        start, end, fewest, control.name if control else "", tuple(arms), tuple(differences),
        tuple(judgements),
    )  # fmt: skip


def _arms(experiment: str, *, since: dt.datetime, until: dt.datetime) -> list[Arm]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT m.experiment_arm, count(*), count(*) FILTER (WHERE m.error_code = ''),"
            " count(h.user_accepted), count(*) FILTER (WHERE h.user_accepted),"
            " count(m.cost_usd), avg(m.cost_usd), var_samp(m.cost_usd),"
            " avg(m.latency_ms), var_samp(m.latency_ms),"
            " count(h.quality_score), avg(h.quality_score), var_samp(h.quality_score)"
            " FROM llm_generation_metrics AS m LEFT JOIN llm_generation_history AS h"
            " ON h.correlation_id = m.correlation_id AND h.created_at >= %s AND h.created_at < %s"
            " WHERE m.experiment = %s AND m.experiment <> '' AND m.created_at >= %s"
            " AND m.created_at < %s AND NOT m.cache_hit GROUP BY 1 ORDER BY 1",
            [since, until, experiment, since, until],
        )
        return [_arm(*row) for row in cursor.fetchall()]


def _arm(name: str, calls: int, good: int, judged: int, accepted: int, *sums: float | None) -> Arm:
    """A row of the query; sums are number, mean and variance of cost, of latency, of quality."""
    priced, cost, cost_variance, latency, latency_variance, scored, quality, spread = (
        float(each or 0) for each in sums
    )
    return Arm(
        name,
        Share(good, calls),
        Share(accepted, judged),
        Sample(int(priced), cost, cost_variance),
        Sample(calls, latency, latency_variance),
        Sample(int(scored), quality, spread),
    )

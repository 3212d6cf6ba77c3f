"""What an experiment shows: its arms side by side, and which differences are more than chance."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from django.db import connection

from metrics.analyzers.intervals import Sample, Share, p_of_means, p_of_shares

FEWEST_CALLS = 30  # in each arm, before anything is judged
ALPHA = 0.05  # how often an experiment without differences may show one


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm's calls. `accepted` is of answers that people judged; cost of the priced calls."""

    name: str
    succeeded: Share
    accepted: Share
    cost_usd: Sample
    latency_ms: Sample


@dataclass(frozen=True, slots=True)
class Difference:
    """Two arms in one measure. `differs` holds after correction for the number of comparisons."""

    measure: str
    one: str
    other: str
    p: float
    differs: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """The arms by name, and every comparison that they have enough calls for."""

    arms: tuple[Arm, ...]
    differences: tuple[Difference, ...]


def compare(experiment: str, *, since: dt.datetime, until: dt.datetime) -> Comparison:
    """The experiment's calls in this time. Reads the calls themselves, so bound it well."""
    arms = _arms(experiment, since=since, until=until)
    return Comparison(tuple(arms), tuple(judge(arms)))


def judge(arms: Sequence[Arm]) -> list[Difference]:
    """Every pair of arms in every measure, by Holm's correction: the least p against alpha / n."""
    found = sorted(
        (
            (p, measure, one.name, other.name)
            for one, other in combinations(arms, 2)
            for measure, p in _measures(one, other).items()
        ),
        key=lambda each: each[0],
    )
    judged, differs = [], True
    for place, (p, measure, one_name, other_name) in enumerate(found):
        differs = differs and p <= ALPHA / (len(found) - place)
        judged.append(Difference(measure, one_name, other_name, p, differs))
    return judged


def _measures(one: Arm, other: Arm) -> Mapping[str, float]:
    """The p of each measure that both arms have enough of."""
    found = {}
    for name in ("succeeded", "accepted"):
        share, against = getattr(one, name), getattr(other, name)
        if min(share.number, against.number) >= FEWEST_CALLS:
            found[name] = p_of_shares(share, against)
    for name in ("cost_usd", "latency_ms"):
        sample, against = getattr(one, name), getattr(other, name)
        if min(sample.number, against.number) >= FEWEST_CALLS:
            found[name] = p_of_means(sample, against)
    return found


def _arms(experiment: str, *, since: dt.datetime, until: dt.datetime) -> list[Arm]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT m.experiment_arm, count(*), count(*) FILTER (WHERE m.error_code = ''),"
            " count(h.user_accepted), count(*) FILTER (WHERE h.user_accepted),"
            " count(m.cost_usd), avg(m.cost_usd), var_samp(m.cost_usd),"
            " avg(m.latency_ms), var_samp(m.latency_ms)"
            " FROM llm_generation_metrics AS m LEFT JOIN llm_generation_history AS h"
            " ON h.correlation_id = m.correlation_id AND h.created_at >= %s AND h.created_at < %s"
            " WHERE m.experiment = %s AND m.created_at >= %s AND m.created_at < %s"
            " AND NOT m.cache_hit GROUP BY 1 ORDER BY 1",
            [since, until, experiment, since, until],
        )
        return [
            Arm(
                name,
                Share(good, calls),
                Share(accepted, judged),
                Sample(priced, float(cost or 0), float(cost_variance or 0)),
                Sample(calls, latency, latency_variance or 0.0),
            )
            for (
                name, calls, good, judged, accepted, priced, cost, cost_variance, latency,
                latency_variance,
            ) in cursor.fetchall()
        ]  # fmt: skip

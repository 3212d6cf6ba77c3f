"""How good answers were, by node or model, with intervals; as long as their texts are kept."""

import datetime as dt
from dataclasses import dataclass

from django.db import connection
from django.db.models import TextChoices

from metrics.analyzers.intervals import Share


class Grouping(TextChoices):
    """What answers are told apart by."""

    NODE = "node", "Node"
    MODEL = "model", "Model"


COLUMNS = {Grouping.NODE: "h.method_name", Grouping.MODEL: "m.provider || '/' || m.model_used"}
JOIN = (
    " JOIN llm_generation_metrics AS m ON m.correlation_id = h.correlation_id"
    " AND m.created_at >= %s AND m.created_at < %s"
)


@dataclass(frozen=True, slots=True)
class Quality:
    """Answers of one group. `accepted` and `edited` are shares of those that people judged."""

    name: str
    passed: Share
    accepted: Share
    edited: Share
    average_score: float | None


def quality(*, since: dt.datetime, until: dt.datetime, by: Grouping) -> list[Quality]:
    """The groups with answers in this time, the most answers first."""
    column = COLUMNS[by]
    join, bounds = (JOIN, [since, until]) if by == Grouping.MODEL else ("", [])
    with connection.cursor() as cursor:
        # All but the values are our own names.
        cursor.execute(
            f"SELECT {column}, count(*), count(*) FILTER (WHERE h.validation_passed),"  # noqa: S608
            " count(h.user_accepted), count(*) FILTER (WHERE h.user_accepted),"
            " count(*) FILTER (WHERE h.user_accepted IS NOT NULL AND h.manual_edits_required),"
            f" avg(h.quality_score) FROM llm_generation_history AS h{join}"
            " WHERE h.created_at >= %s AND h.created_at < %s GROUP BY 1 ORDER BY 2 DESC, 1",
            [*bounds, since, until],
        )
        return [
            Quality(name, Share(passed, number), Share(good, judged), Share(edited, judged), score)
            for name, number, passed, judged, good, edited, score in cursor.fetchall()
        ]

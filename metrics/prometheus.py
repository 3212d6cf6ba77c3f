"""Today's figures as Prometheus reads them: counters, and latency in cumulative buckets.

Counters begin anew at each UTC midnight, which Prometheus takes as a restart: so a scrape reads the
sums of one day, however many years there are.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping

from metrics import partitions
from metrics.queries import CLASSES_PER_DOUBLING, Figures, Row, ask
from metrics.questions import MetricsQuestion

LABELS = ("node", "provider", "model", "outcome")
COUNTERS = {
    "nodewise_calls_total": ("Calls, by how they ended.", "calls"),
    "nodewise_unpriced_calls_total": ("Calls whose cost is not known.", "unpriced"),
    "nodewise_unpriced_tokens_total": (
        "Tokens of the calls whose cost is not known.",
        "unpriced_tokens",
    ),
    "nodewise_cache_hits_total": ("Calls that the response cache answered.", "cache_hits"),
    "nodewise_input_tokens_total": ("Prompt tokens.", "tokens_input"),
    "nodewise_output_tokens_total": ("Answer tokens.", "tokens_output"),
    "nodewise_cost_usd_total": ("US dollars for the priced calls.", "cost_usd"),
}
HISTOGRAM = "nodewise_call_duration_seconds"
MONTHS = "nodewise_partition_months_ahead"
DOUBLINGS = range(4, 19)  # upper bounds from 16 ms to 4 minutes


def exposition() -> str:
    """The whole answer to a scrape, in text format 0.0.4."""
    now = dt.datetime.now(dt.UTC)
    today = MetricsQuestion(since=now, until=now + dt.timedelta(hours=1), by=LABELS)
    by_node = MetricsQuestion(
        since=now, until=now + dt.timedelta(hours=1), by=["node"], latencies=True
    )
    lines = [*_counters(ask(today)), *_durations(ask(by_node)), *_months_ahead()]
    return "".join(f"{line}\n" for line in lines)


def _counters(rows: list[Row]) -> Iterator[str]:
    for name, (text, measure) in COUNTERS.items():
        yield f"# HELP {name} {text}"
        yield f"# TYPE {name} counter"
        for row in rows:
            labels = dict(zip(LABELS, row.keys, strict=True))
            labels["outcome"] = labels["outcome"] or "ok"
            value = getattr(row.figures, measure)
            if value is not None:  # a cost that nobody knows has no sample
                yield f"{name}{_labels(labels)} {value}"


def _durations(rows: list[Row]) -> Iterator[str]:
    yield f"# HELP {HISTOGRAM} How long calls took, retries included."
    yield f"# TYPE {HISTOGRAM} histogram"
    for row in rows:
        yield from _histogram(str(row.keys[0]), row.figures, Counter(row.classes))


def _histogram(node: str, figures: Figures, classes: Counter[int]) -> Iterator[str]:
    """Bounds are powers of two ms, where classes end."""
    for doubling in DOUBLINGS:
        end = doubling * CLASSES_PER_DOUBLING
        below = sum(calls for number, calls in classes.items() if number < end)
        labels = _labels({"node": node, "le": f"{2**doubling / 1000:g}"})
        yield f"{HISTOGRAM}_bucket{labels} {below}"
    yield f"{HISTOGRAM}_bucket{_labels({'node': node, 'le': '+Inf'})} {figures.calls}"
    yield f"{HISTOGRAM}_sum{_labels({'node': node})} {figures.latency_sum_ms / 1000:.6f}"
    yield f"{HISTOGRAM}_count{_labels({'node': node})} {figures.calls}"


def _months_ahead() -> Iterator[str]:
    yield f"# HELP {MONTHS} Whole months after this one that calls can be recorded in."
    yield f"# TYPE {MONTHS} gauge"
    for table, months in partitions.all_months_ahead().items():
        yield f"{MONTHS}{_labels({'table': table})} {months}"


def _labels(labels: Mapping[str, object]) -> str:
    return (
        "{" + ",".join(f'{name}="{_escaped(str(value))}"' for name, value in labels.items()) + "}"
    )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

"""For `benchmarks.metrics`: the pages and reports that people open, and what their queries take."""

import datetime as dt
import statistics
import sys
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

GOAL_MS = 100
REPEATS = 5
SUPERUSER = {"is_staff": True, "is_superuser": True}
COST_BY_MODEL = """
SELECT tier, model_used, COUNT(*) as generations, SUM(cost_usd) as total_cost,
    AVG(latency_ms) as avg_latency
FROM llm_generation_metrics WHERE created_at >= NOW() - INTERVAL '7 days'
GROUP BY tier, model_used ORDER BY total_cost DESC
"""


def queries_table() -> list[str]:
    """A line of a table for each query: the database's planning and execution together."""
    lines = ["| what | database, ms (median of 5) | worst |", "| --- | --- | --- |"]
    for name, run in readers().items():
        taken = [explained(run) for _ in range(REPEATS)]
        over = "" if max(taken) <= GOAL_MS else " (over the goal)"
        lines.append(f"| {name} | {statistics.median(taken):.1f} | {max(taken):.1f}{over} |")
    return lines


def pruned() -> str:
    """Which partitions the seed's query over calls reads, of how many, and how long it takes."""
    from django.db import connection

    from metrics import partitions

    taken = []
    with connection.cursor() as cursor:
        for _ in range(REPEATS):
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {COST_BY_MODEL}")
            (((plan,),),) = (cursor.fetchall(),)
            taken.append(plan[0]["Planning Time"] + plan[0]["Execution Time"])
        months = partitions.existing(cursor, "llm_generation_metrics")
    read = _relations(plan[0]["Plan"])
    now = partitions.utc_now()
    past = [each.name for each in months if each.start <= now]
    told = ", ".join(f"`{name}`" for name in past if name in read)
    return (
        f'\nThe seed\'s "cost by model, last 7 days", which is over the calls themselves, took'
        f" {statistics.median(taken):.0f} ms (median of 5). Of {len(past)} months it read {told};"
        f" having no end, it also looked into the {len(read) - told.count('`') // 2} empty months"
        " ahead."
    )


def _relations(node: dict[str, Any]) -> set[str]:
    found = {node["Relation Name"]} if "Relation Name" in node else set()
    return found.union(*(_relations(each) for each in node.get("Plans", ())))


def readers() -> dict[str, Callable[[], Any]]:
    """The pages and reports that are measured, by their names in the table."""
    from django.contrib.auth.models import User
    from django.test import Client
    from django.urls import reverse

    from llmconfig.models import NodeConfiguration
    from metrics import queries, questions
    from metrics.analyzers import cost
    from metrics.models import GenerationMetric
    from metrics.prometheus import exposition

    now = dt.datetime.now(dt.UTC)
    admin = Client(SERVER_NAME="localhost")
    admin.force_login(User.objects.get_or_create(username="benchmark", defaults=SUPERUSER)[0])

    def ask(days: int, *by: str, **more: Any) -> Callable[[], Any]:
        since = now - dt.timedelta(days=days)
        question = questions.MetricsQuestion(since=since, until=now, by=by, **more)
        return lambda: queries.ask(question)

    calls, texts = "/admin/metrics/generationmetric/", "/admin/metrics/generationhistory/"
    answers = reverse("admin:metrics_quality")
    node = NodeConfiguration.objects.get_or_create(
        node_name="node_0", defaults={"interaction_type": "enricher"}
    )[0]
    nodes = reverse("admin:llmconfig_nodeconfiguration_change", args=[node.pk])
    some = GenerationMetric.objects.filter(created_at__gte=now - dt.timedelta(days=40)).first()
    if some is None:
        sys.exit("There are no calls of the last 40 days.")

    def page(address: str) -> Callable[[], Any]:
        def read() -> None:
            answer = admin.get(address)
            if answer.status_code != HTTPStatus.OK:
                sys.exit(f"{address} answered {answer.status_code}.")

        return read

    return {
        "admin: overview, 24 hours": page("/admin/?days=1"),
        "admin: overview, 7 days": page("/admin/?days=7"),
        "admin: overview, 31 days": page("/admin/?days=31"),
        "admin: overview, 92 days": page("/admin/?days=92"),
        "admin: quality by prompt and model, 24 hours": page(f"{answers}?days=1"),
        "admin: quality by prompt and model, 7 days": page(f"{answers}?days=7"),
        "admin: quality by prompt and model, 31 days": page(f"{answers}?days=31"),
        "admin: quality by prompt and model, 92 days": page(f"{answers}?days=92"),
        "admin: quality by node, 92 days": page(f"{answers}?days=92&by=node"),
        "admin: a node's page": page(nodes),
        "admin: sums by hour, last 12 months": page("/admin/metrics/hourlyrollup/?days=366"),
        "admin: calls, last 7 days": page(calls),
        "admin: calls, failed, last 12 months": page(f"{calls}?days=366&outcome=failed"),
        "admin: calls, one type, last 12 months": page(f"{calls}?days=366&kind=tagger"),
        "admin: calls, a type without any, last 12 months": page(f"{calls}?days=366&kind=chat"),
        "admin: calls of a batch, last 12 months": page(f"{calls}?days=366&q={some.session_id}"),
        "admin: one call": page(f"{calls}{some.pk}/change/"),
        "admin: texts, last 31 days": page(f"{texts}?days=31"),
        "breakdown by model, 7 days": ask(7, "model"),
        "breakdown by model with percentiles, 31 days": ask(31, "model", latencies=True),
        "breakdown by node and provider, 366 days": ask(366, "node", "provider"),
        "series by day, 92 days": ask(92, each_period=True),
        "series by hour, 7 days": ask(7, each_period=True, grain=questions.Grain.HOUR),
        "forecast of the month": cost.forecast_month,
        "`/metrics`": exposition,
    }


def explained(run: Callable[[], Any]) -> float:
    """Milliseconds that all SELECTs of `run` take in the database, by EXPLAIN ANALYZE."""
    from django.db import connection, transaction

    asked: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.lstrip().startswith(("SELECT", "SET LOCAL")):
            asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        run()
    taken = 0.0
    with transaction.atomic(), connection.cursor() as cursor:
        for sql, params in asked:
            if sql.startswith("SET"):
                cursor.execute(sql)
                continue
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params)
            (((plan,),),) = (cursor.fetchall(),)
            taken += plan[0]["Planning Time"] + plan[0]["Execution Time"]
    return taken

"""Sums over calls: breakdowns, series, and both as CSV; forecasts, other models, quality."""

import datetime as dt
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from llmconfig.api.kit.documentation import extend_schema
from llmconfig.api.kit.endpoints import Endpoint
from llmconfig.runtime.records import replace
from metrics.analyzers.cost import forecast_month, unpriced, what_if, what_if_anywhere
from metrics.analyzers.quality import Grouping, quality
from metrics.api.questions import (
    GroupedQuerySerializer,
    SumsSerializer,
    TimeSerializer,
    ZoneSerializer,
    asked,
    question,
)
from metrics.csv_export import csv_lines
from metrics.prometheus import exposition
from metrics.queries import Row, ask, total
from metrics.questions import OTHERS, Grain, MetricsQuestion

MEASURES = (
    "calls", "failed", "unpriced", "unpriced_tokens", "cache_hits", "unpriced_hits",
    "tokens_input", "tokens_output", "tokens_cached_input", "tokens_cache_write",
    "tokens_reasoning", "cost_usd", "average_cost_usd", "saved_usd", "average_latency_ms",
)  # fmt: skip
QUANTILES = {"p50_latency_ms": 0.5, "p95_latency_ms": 0.95, "p99_latency_ms": 0.99}


class SumSerializer(serializers.Serializer[Any]):
    """The calls of one period and one set of dimensions. Money in US dollars."""

    period = serializers.DateTimeField(allow_null=True, help_text="Null in a breakdown.")
    dimensions = serializers.DictField(help_text="The asked dimensions with their values.")
    others = serializers.BooleanField(
        help_text="All keys, users, tags or batches together that an hour or day doesn't list"
        " separately, the less expensive ones; their value is null."
    )
    calls = serializers.IntegerField()
    failed = serializers.IntegerField()
    unpriced = serializers.IntegerField(help_text="Calls whose cost isn't in the sum.")
    unpriced_tokens = serializers.IntegerField(help_text="The tokens of these calls.")
    cache_hits = serializers.IntegerField()
    unpriced_hits = serializers.IntegerField(
        help_text="Answers from the cache whose saving isn't in `saved_usd`."
    )
    tokens_input = serializers.IntegerField()
    tokens_output = serializers.IntegerField()
    tokens_cached_input = serializers.IntegerField()
    tokens_cache_write = serializers.IntegerField()
    tokens_reasoning = serializers.IntegerField()
    cost_usd = serializers.DecimalField(
        24, 10, allow_null=True, help_text="Of the priced calls; null if no call has a price."
    )
    average_cost_usd = serializers.DecimalField(
        24, 10, allow_null=True, help_text="Of a priced call; null if no call has a price."
    )
    saved_usd = serializers.DecimalField(24, 10, allow_null=True)
    average_latency_ms = serializers.FloatField(allow_null=True)
    p50_latency_ms = serializers.FloatField(allow_null=True)
    p95_latency_ms = serializers.FloatField(allow_null=True)
    p99_latency_ms = serializers.FloatField(allow_null=True)


class RowsSerializer(serializers.Serializer[Any]):
    """The rows, dearest first; a series by period first."""

    since = serializers.DateTimeField(help_text="When the first period begins.")
    until = serializers.DateTimeField(help_text="When the last period ends.")
    time_zone = serializers.CharField(help_text="Whose days they are.")
    results = SumSerializer(many=True)


class UsageSerializer(serializers.Serializer[Any]):
    """What was used in a time, whole and by what used it, dearest first."""

    since = serializers.DateTimeField(help_text="Days are whole, in time_zone.")
    until = serializers.DateTimeField()
    time_zone = serializers.CharField(help_text="Whose days they are.")
    total = SumSerializer()
    by_model = SumSerializer(many=True)
    by_node = SumSerializer(many=True)


class MonthForecastSerializer(serializers.Serializer[Any]):
    """This month at its end: four times in five between low and high."""

    spent_usd = serializers.DecimalField(
        24, 4, allow_null=True, help_text="Of the priced calls; null if no call has a price."
    )
    expected_usd = serializers.DecimalField(24, 4)
    low_usd = serializers.DecimalField(24, 4)
    high_usd = serializers.DecimalField(24, 4)
    days_seen = serializers.IntegerField()
    unpriced = serializers.IntegerField(help_text="Calls of this month in none of these figures.")
    unpriced_tokens = serializers.IntegerField(help_text="The tokens of these calls.")
    time_zone = serializers.CharField(help_text="Whose days and month they are.")


class WhatIfQuerySerializer(GroupedQuerySerializer):
    """Which calls, and the other model."""

    on_provider = serializers.CharField()
    on_model = serializers.CharField()


class WhatIfSerializer(serializers.Serializer[Any]):
    """The same tokens on another model; the difference is null while calls have no price."""

    provider = serializers.CharField()
    model = serializers.CharField()
    calls = serializers.IntegerField()
    unpriced = serializers.IntegerField(help_text="Calls whose cost isn't in `cost_usd`.")
    unpriced_tokens = serializers.IntegerField(help_text="The tokens of these calls.")
    cost_usd = serializers.DecimalField(24, 10, allow_null=True)
    would_cost_usd = serializers.DecimalField(24, 10)
    difference_usd = serializers.DecimalField(24, 10, allow_null=True)


class UnpricedSerializer(serializers.Serializer[Any]):
    """A model's calls without a cost; what they would have cost is null where nobody knows."""

    provider = serializers.CharField()
    model = serializers.CharField()
    calls = serializers.IntegerField()
    tokens = serializers.IntegerField()
    would_cost_usd = serializers.DecimalField(24, 10, allow_null=True)
    priced_by = serializers.CharField(
        allow_blank=True, help_text="table, suggestion, or blank where no price is known."
    )
    first_seen = serializers.DateTimeField(help_text="The first of these calls.")
    last_seen = serializers.DateTimeField(help_text="The last of these calls.")


class WholeDaysSerializer(serializers.Serializer[Any]):
    """The days that an answer is of."""

    since = serializers.DateTimeField(help_text="When the first day begins.")
    until = serializers.DateTimeField(help_text="When the last day ends.")
    time_zone = serializers.CharField(help_text="Whose days they are.")


class UnpricedListSerializer(WholeDaysSerializer):
    """The models without a price, the one with most calls first."""

    results = UnpricedSerializer(many=True)


class WhatIfsSerializer(serializers.Serializer[Any]):
    """Every model with a known price, the cheapest first."""

    results = WhatIfSerializer(many=True)


class ShareSerializer(serializers.Serializer[Any]):
    """A share and where the true one lies 19 times in 20."""

    hits = serializers.IntegerField()
    number = serializers.IntegerField()
    value = serializers.FloatField(allow_null=True)
    low = serializers.FloatField()
    high = serializers.FloatField()


class QualityQuerySerializer(TimeSerializer):
    """The time that is asked about, and what to group by."""

    by = serializers.ChoiceField(Grouping.choices, default=Grouping.NODE)
    operation = serializers.CharField(required=False, help_text="Only this kind of work.")


class QualitySerializer(serializers.Serializer[Any]):
    """Answers of one group. The last four are over the answers that the check looked at."""

    name = serializers.CharField()
    keys = serializers.DictField(
        help_text="The same apart: node, operation, version, provider, model."
    )
    passed = ShareSerializer()
    accepted = ShareSerializer()
    edited = ShareSerializer()
    average_score = serializers.FloatField(allow_null=True)
    score_low = serializers.FloatField(source="score.low", allow_null=True)
    score_high = serializers.FloatField(source="score.high", allow_null=True)
    syntax_valid = ShareSerializer()
    type_hints = ShareSerializer()
    compliant = ShareSerializer()
    safe = ShareSerializer()


class QualityRowsSerializer(serializers.Serializer[Any]):
    """The quality of answers by group, the largest group first."""

    results = QualitySerializer(many=True)


class ReadEndpoint(Endpoint):
    """Only read, with parameters that may be wrong."""

    more_error_statuses = frozenset({"400"})


class Breakdown(ReadEndpoint):
    """Sums calls, tokens, cost and latency over a time, by any dimensions."""

    each_period = False

    @extend_schema(parameters=[SumsSerializer], responses=RowsSerializer)
    def get(self, request: Request) -> Response:
        values = asked(request)
        sums = question(values, each_period=self.each_period, latencies=True)
        shown = [_shown(row, values.get("by", [])) for row in ask(sums)]
        return Response({**bounds_of(sums), "results": SumSerializer(shown, many=True).data})


class Series(Breakdown):
    """The same for each hour or day apart."""

    each_period = True


class Export(ReadEndpoint):
    """The series as CSV, safe to open in a spreadsheet."""

    @extend_schema(parameters=[SumsSerializer], responses={(200, "text/csv"): str})
    def get(self, request: Request) -> HttpResponse:
        values = asked(request)
        sums = question(values, each_period=True, latencies=True)
        rows = ask(sums)
        answer = HttpResponse(
            "".join(table(rows, values.get("by", []))), content_type="text/csv; charset=utf-8"
        )
        answer["X-Time-Zone"] = bounds_of(sums)["time_zone"]
        answer["X-Period"] = "/".join(each.isoformat() for each in sums.bounds)
        answer["Content-Disposition"] = 'attachment; filename="calls.csv"'
        return answer


class UsageSummary(ReadEndpoint):
    """Calls, tokens and cost at a glance; `metrics/breakdown` tells them apart otherwise."""

    @extend_schema(parameters=[TimeSerializer], responses=UsageSerializer)
    def get(self, request: Request) -> Response:
        """Sum up, from the beginning of the day that `since` lies in."""
        values = asked(request, serializer=TimeSerializer)
        everything = question(values, latencies=True)
        body = {
            "since": everything.bounds[0],
            "until": everything.until,
            "time_zone": everything.zone.key,
            "total": _shown(total(everything), []),
            "by_model": _rows_by(everything, "provider", "model"),
            "by_node": _rows_by(everything, "node"),
        }
        return Response(UsageSerializer(body).data)


class CostForecast(ReadEndpoint):
    """Forecasts what this month will cost, in US dollars."""

    @extend_schema(parameters=[ZoneSerializer], responses=MonthForecastSerializer)
    def get(self, request: Request) -> Response:
        zone = asked(request, serializer=ZoneSerializer).get("time_zone")
        return Response(MonthForecastSerializer(forecast_month(zone=zone)).data)


class UnpricedList(ReadEndpoint):
    """Lists the models whose calls have no price."""

    @extend_schema(parameters=[TimeSerializer], responses=UnpricedListSerializer)
    def get(self, request: Request) -> Response:
        values = asked(request, serializer=TimeSerializer)
        days = question(values)
        since, until = days.bounds
        found = unpriced(since=since, until=until)
        return Response(UnpricedListSerializer({**bounds_of(days), "results": found}).data)


class OtherModel(ReadEndpoint):
    """What calls would have cost on another model."""

    @extend_schema(parameters=[WhatIfQuerySerializer], responses=WhatIfSerializer)
    def get(self, request: Request) -> Response:
        values = asked(request, serializer=WhatIfQuerySerializer)
        found = what_if(question(values), provider=values["on_provider"], model=values["on_model"])
        return Response(WhatIfSerializer(found).data)


class OtherModels(ReadEndpoint):
    """What calls would have cost on each other model."""

    @extend_schema(parameters=[GroupedQuerySerializer], responses=WhatIfsSerializer)
    def get(self, request: Request) -> Response:
        values = asked(request, serializer=GroupedQuerySerializer)
        return Response(WhatIfsSerializer({"results": what_if_anywhere(question(values))}).data)


class QualityList(ReadEndpoint):
    """The quality of answers over a time, by prompt, model or node."""

    @extend_schema(parameters=[QualityQuerySerializer], responses=QualityRowsSerializer)
    def get(self, request: Request) -> Response:
        values = asked(request, serializer=QualityQuerySerializer)
        found = quality(
            since=values["since"],
            until=values["until"],
            by=Grouping(values["by"]),
            operation=values.get("operation"),
        )
        return Response(QualityRowsSerializer({"results": found}).data)


class Prometheus(Endpoint):
    """Exposes counters in Prometheus' text format."""

    @extend_schema(responses={(200, "text/plain"): str})
    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(exposition(), content_type="text/plain; version=0.0.4; charset=utf-8")


def bounds_of(sums: MetricsQuestion) -> dict[str, str]:
    """Of what was summed up, as the zone's own times."""
    since, until = sums.bounds
    return {
        "since": since.isoformat(),
        "until": until.isoformat(),
        "time_zone": sums.zone.key if sums.grain == Grain.DAY else "UTC",
    }


def table(rows: list[Row], by: list[str]) -> Iterator[str]:
    """The lines of a CSV file with these rows."""
    periods = any(row.period is not None for row in rows)
    header = [*(["period"] if periods else []), *by, *MEASURES, *QUANTILES]
    cells = (
        [
            *([row.period.isoformat()] if row.period is not None else []),
            *row.keys,
            *(getattr(row.figures, name) for name in MEASURES),
            *(row.percentile(share) for share in QUANTILES.values()),
        ]
        for row in rows
    )
    return csv_lines(header, cells)


def _rows_by(everything: MetricsQuestion, *by: str) -> list[dict[str, Any]]:
    return [_shown(row, list(by)) for row in ask(replace(everything, by=by))]


def _shown(row: Row, by: list[str]) -> dict[str, Any]:
    period = row.period
    abroad = isinstance(period, dt.datetime) and isinstance(period.tzinfo, ZoneInfo)
    return {
        "period": period.isoformat() if period is not None and abroad else period,
        "dimensions": {
            name: None if key is OTHERS else key for name, key in zip(by, row.keys, strict=True)
        },
        "others": OTHERS in row.keys,
        **{name: getattr(row.figures, name) for name in MEASURES},
        **{name: row.percentile(share) for name, share in QUANTILES.items()},
    }

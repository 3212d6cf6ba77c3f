"""What caches, providers' batches and cascades saved, for programs."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from llmconfig.api.kit.documentation import extend_schema
from metrics.analyzers.savings import savings
from metrics.api.questions import TimeSerializer, asked, question
from metrics.api.sums import ReadEndpoint, WholeDaysSerializer, bounds_of


class SavingSerializer(serializers.Serializer[Any]):
    """What wasn't paid in one way; `number` counts calls, or tokens for prompt_cache. Of cascades
    it is an estimate for each node, with the range that holds in 8 of 10 cases.
    """

    way = serializers.CharField(
        help_text="response_cache, provider_batches, prompt_cache, cascade."
    )
    number = serializers.IntegerField()
    unpriced = serializers.IntegerField(help_text="Of these, how many aren't in the saving.")
    saved_usd = serializers.DecimalField(24, 10, allow_null=True)
    node = serializers.CharField(allow_blank=True, help_text="Whose cascade; else blank.")
    low_usd = serializers.DecimalField(24, 10, allow_null=True)
    high_usd = serializers.DecimalField(24, 10, allow_null=True)


class SavingsSerializer(WholeDaysSerializer):
    """What was saved in US dollars, by the way it was saved."""

    results = SavingSerializer(many=True)


class SavingsList(ReadEndpoint):
    """What caches, providers' batches and cascades saved."""

    @extend_schema(parameters=[TimeSerializer], responses=SavingsSerializer)
    def get(self, request: Request) -> Response:
        values = asked(request, serializer=TimeSerializer)
        days = question(values)
        found = savings(since=days.since, until=days.until, zone=days.zone)
        return Response(SavingsSerializer({**bounds_of(days), "results": found}).data)

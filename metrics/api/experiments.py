"""An experiment's arms side by side."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from llmconfig.api.kit.documentation import extend_schema
from metrics.analyzers.experiments import compare
from metrics.analyzers.intervals import Sample
from metrics.analyzers.judging import Verdict
from metrics.api.questions import TimeSerializer, asked
from metrics.api.sums import ReadEndpoint, ShareSerializer


class ExperimentTimeSerializer(TimeSerializer):
    """The experiment's whole time unless something else is given."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Without a beginning, its start is one."""
        return super().validate(attrs) if "since" in attrs else attrs


class SampleSerializer(serializers.Serializer[Any]):
    """A measure's mean and variance over so many values; both are null over none."""

    number = serializers.IntegerField()
    mean = serializers.SerializerMethodField()
    variance = serializers.SerializerMethodField()

    def get_mean(self, sample: Sample) -> float | None:
        return sample.mean if sample.number else None

    def get_variance(self, sample: Sample) -> float | None:
        return sample.variance if sample.number else None


class ComparedArmSerializer(serializers.Serializer[Any]):
    """One arm's calls, cost, latency and quality."""

    name = serializers.CharField()
    succeeded = ShareSerializer()
    accepted = ShareSerializer()
    quality = SampleSerializer()
    cost_usd = SampleSerializer(help_text="Of the priced calls.")
    unpriced = serializers.IntegerField(help_text="Calls that `cost_usd` leaves out.")
    latency_ms = SampleSerializer()


class DifferenceSerializer(serializers.Serializer[Any]):
    """How much more `other` has than `one`; `differs` holds after correction for all of them."""

    measure = serializers.CharField()
    one = serializers.CharField()
    other = serializers.CharField()
    value = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()
    p = serializers.FloatField()
    differs = serializers.BooleanField()


class GateSerializer(serializers.Serializer[Any]):
    """A loss or increase against the control, and what the experiment allows."""

    measure = serializers.CharField()
    margin = serializers.FloatField()
    value = serializers.FloatField(allow_null=True)
    passed = serializers.BooleanField(allow_null=True, help_text="Null: not sure yet.")


class JudgementSerializer(serializers.Serializer[Any]):
    """What to do with an arm."""

    arm = serializers.CharField()
    verdict = serializers.ChoiceField(Verdict.choices)
    gates = GateSerializer(many=True)
    better_in = serializers.ListField(child=serializers.CharField())


class ComparisonSerializer(serializers.Serializer[Any]):
    """An experiment's arms, the comparisons that they have enough calls for, the judgements."""

    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    fewest_calls = serializers.IntegerField()
    control = serializers.CharField(help_text="The variant without overrides; blank without one.")
    arms = ComparedArmSerializer(many=True)
    differences = DifferenceSerializer(many=True)
    judgements = JudgementSerializer(many=True)


class ExperimentComparison(ReadEndpoint):
    """An experiment's arms side by side."""

    @extend_schema(parameters=[ExperimentTimeSerializer], responses=ComparisonSerializer)
    def get(self, request: Request, name: str) -> Response:
        values = asked(request, serializer=ExperimentTimeSerializer)
        found = compare(name, since=values.get("since"), until=values.get("until"))
        return Response(ComparisonSerializer(found).data)

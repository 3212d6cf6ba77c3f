"""What a provider says that it billed, beside what was recorded."""

import datetime as dt
from typing import Any

from django.utils.translation import gettext
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from llmconfig.api.kit.bodies import StrictSerializer
from llmconfig.api.kit.documentation import extend_schema
from metrics.api.questions import asked
from metrics.api.sums import ReadEndpoint
from metrics.reports.reconciliation import differences, import_export

USUAL_DAYS = 31
MAX_DAYS = 1100


class DaysSerializer(StrictSerializer):
    """A provider and UTC days; the last 31 unless something else is given."""

    provider = serializers.CharField(max_length=50)
    since = serializers.DateField(required=False, help_text="Inclusive.")
    until = serializers.DateField(required=False, help_text="Exclusive.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Both days, in order and not too far apart."""
        tomorrow = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
        until = attrs.setdefault("until", tomorrow)
        if until.year <= dt.MINYEAR:
            raise serializers.ValidationError({"until": gettext("Give a later day.")})
        since = attrs.setdefault("since", until - dt.timedelta(days=USUAL_DAYS))
        if not since < until:
            raise serializers.ValidationError({"since": gettext("Give a day before `until`.")})
        if until - since > dt.timedelta(days=MAX_DAYS):
            raise serializers.ValidationError(
                {"since": gettext("Give at most {max_days} days.").format(max_days=MAX_DAYS)}
            )
        return attrs


class SideOfBillSerializer(serializers.Serializer[Any]):
    """What one side knows of a day: ours or the provider's; null is unknown."""

    requests = serializers.IntegerField(allow_null=True)
    tokens_input = serializers.IntegerField(allow_null=True)
    tokens_output = serializers.IntegerField(allow_null=True)
    cost_usd = serializers.DecimalField(24, 10, allow_null=True)


class DayDifferenceSerializer(serializers.Serializer[Any]):
    """One day of one model; `cost_usd`, `requests` and `tokens` are theirs less ours."""

    day = serializers.DateField()
    model = serializers.CharField()
    ours = SideOfBillSerializer()
    theirs = SideOfBillSerializer()
    unpriced = serializers.IntegerField(help_text="Calls of ours without a known cost.")
    unpriced_tokens = serializers.IntegerField(help_text="The tokens of these calls.")
    requests = serializers.IntegerField(allow_null=True)
    tokens = serializers.IntegerField(allow_null=True)
    cost_usd = serializers.DecimalField(24, 10, allow_null=True)


class DayDifferencesSerializer(serializers.Serializer[Any]):
    """The newest day first, there the largest difference."""

    results = DayDifferenceSerializer(many=True)


class ExportSerializer(StrictSerializer):
    """The text of a provider's usage export."""

    provider = serializers.CharField(max_length=50)
    csv = serializers.CharField(help_text="The file's content.", trim_whitespace=False)
    columns = serializers.DictField(
        child=serializers.CharField(),
        required=False,
        help_text="For exports of no known header: the columns of `day`, `model` and any of"
        " `requests`, `tokens_input`, `tokens_output`, `cost_usd`.",
    )
    skip_bad = serializers.BooleanField(default=False, help_text="Import what can be read.")


class BadLineSerializer(serializers.Serializer[Any]):
    """A line that was left out."""

    number = serializers.IntegerField()
    reason = serializers.CharField()


class ImportedSerializer(serializers.Serializer[Any]):
    """The export's form, how many lines and days it held, and the lines left out."""

    shape = serializers.CharField()
    lines = serializers.IntegerField()
    rows = serializers.IntegerField(help_text="Days of models.")
    since = serializers.DateField(allow_null=True)
    until = serializers.DateField(allow_null=True)
    skipped = BadLineSerializer(many=True)


class Reconciliation(ReadEndpoint):
    """A provider's bill beside our sums."""

    @extend_schema(parameters=[DaysSerializer], responses=DayDifferencesSerializer)
    def get(self, request: Request) -> Response:
        """Show the differences by day and model."""
        values = asked(request, serializer=DaysSerializer)
        found = differences(values["provider"], since=values["since"], until=values["until"])
        return Response(DayDifferencesSerializer({"results": found}).data)

    @extend_schema(request=ExportSerializer, responses=ImportedSerializer)
    def post(self, request: Request) -> Response:
        """Import an export; the same again changes nothing."""
        body = ExportSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        values = body.validated_data
        done = import_export(
            values["csv"].splitlines(keepends=True),
            provider=values["provider"],
            columns=values.get("columns"),
            skip_bad=values["skip_bad"],
        )
        return Response(ImportedSerializer(done).data)

"""Calls one by one, newest first, each page from where the last one ended."""

import datetime as dt
from math import isfinite
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from llmconfig.api.kit.bodies import StrictSerializer
from llmconfig.api.kit.documentation import extend_schema
from llmconfig.api.kit.pages import MAX_PAGE_SIZE
from llmconfig.roles import Role
from llmconfig.runtime.records import asdict
from metrics.api.questions import GroupedQuerySerializer, asked
from metrics.api.sums import ReadEndpoint
from metrics.feedback import PersonsJudgement, judge
from metrics.models import GenerationHistory, GenerationMetric
from metrics.quality.stored import history_of, stored_parts
from metrics.questions import DIMENSIONS, column

USUAL_PAGE = 50
UNSHOWN = frozenset({"attempts", "dropped_params", "security_issues"})
FIELDS = tuple(field.name for field in GenerationMetric._meta.local_fields)  # noqa: SLF001 - Django's documented name


class CallsQuerySerializer(GroupedQuerySerializer):
    """Which calls, and where to go on."""

    after = serializers.CharField(required=False, help_text="`next` of the page before.")
    limit = serializers.IntegerField(default=USUAL_PAGE, min_value=1, max_value=MAX_PAGE_SIZE)

    metadata = serializers.CharField(
        required=False, help_text="One of the caller's own pairs, as name:value."
    )

    def validate_metadata(self, text: str) -> dict[str, str]:
        """The pair; the name ends with the first colon."""
        name, colon, value = text.partition(":")
        if not colon:
            raise serializers.ValidationError(gettext("Give name:value."))
        return {name: value}

    def validate_after(self, text: str) -> tuple[dt.datetime, UUID]:
        """Time and id of the last call that was seen."""
        moment, _, row = text.partition("_")
        try:
            return dt.datetime.fromisoformat(moment).astimezone(dt.UTC), UUID(row)
        except (ValueError, OverflowError):
            raise serializers.ValidationError(
                gettext("Give `next` as a page before gave it.")
            ) from None


class CallSerializer(serializers.ModelSerializer[GenerationMetric]):
    """One call as a list shows it, without its attempts."""

    class Meta:
        model = GenerationMetric
        fields = tuple(name for name in FIELDS if name not in UNSHOWN)


class PartSerializer(serializers.Serializer[Any]):
    """What one check said of the answer."""

    check = serializers.CharField()
    score = serializers.FloatField(help_text="From 0 to 1.")
    passed = serializers.BooleanField(help_text="False: it holds the answer back.")
    notes = serializers.ListField(child=serializers.CharField())
    codes = serializers.ListField(
        child=serializers.CharField(), help_text="The notes' codes in their order, if it has any."
    )


class WholeCallSerializer(serializers.ModelSerializer[GenerationMetric]):
    """One call with each request to a provider, and its score as long as its texts are kept."""

    quality_score = serializers.SerializerMethodField(help_text="From 0 to 1; null: not scored.")
    quality_parts = serializers.SerializerMethodField(help_text="What the score is made of.")

    class Meta:
        model = GenerationMetric
        fields = (*FIELDS, "quality_score", "quality_parts")

    def get_quality_score(self, call: GenerationMetric) -> float | None:
        row = self._history(call)
        return row.quality_score if row else None

    @extend_schema_field(PartSerializer(many=True))
    def get_quality_parts(self, call: GenerationMetric) -> list[dict[str, Any]]:
        row = self._history(call)
        return [asdict(part) for part in stored_parts(row)]

    def _history(self, call: GenerationMetric) -> GenerationHistory | None:
        return history_of(call.correlation_id, near=call.created_at)


class CallPageSerializer(serializers.Serializer[Any]):
    """A page of calls, and where the next one begins."""

    results = CallSerializer(many=True)
    next = serializers.CharField(allow_null=True, help_text="Give it as `after`; null at the end.")


class WholeCallsSerializer(serializers.Serializer[Any]):
    """The call with this id; several when it was recorded several times."""

    results = WholeCallSerializer(many=True)


class CallList(ReadEndpoint):
    """Lists calls, the newest first."""

    @extend_schema(
        operation_id="api_v1_llm_metrics_calls_list",
        parameters=[CallsQuerySerializer],
        responses=CallPageSerializer,
    )
    def get(self, request: Request) -> Response:
        values = asked(request, serializer=CallsQuerySerializer)
        limit = values["limit"]
        found = list(_calls(values)[: limit + 1])
        more = len(found) > limit
        last = found[limit - 1] if more else None
        following = f"{last.created_at.isoformat()}_{last.pk}" if last else None
        page = {"results": found[:limit], "next": following}
        return Response(CallPageSerializer(page).data)


class CallRow(ReadEndpoint):
    """Shows one call with its attempts."""

    @extend_schema(responses=WholeCallsSerializer)
    def get(self, request: Request, id: UUID) -> Response:  # noqa: A002 - the address's name
        found = list(GenerationMetric.objects.filter(correlation_id=id)[:MAX_PAGE_SIZE])
        if not found:
            raise NotFound(
                gettext("There is no call {id!r}, or it is no longer kept.").format(id=str(id))
            )
        return Response(WholeCallsSerializer({"results": found}).data)


class PersonsJudgementSerializer(StrictSerializer):
    """What a person thinks of an answer; it replaces what was said before."""

    thumb = serializers.ChoiceField(["up", "down"], allow_null=True, default=None)
    score = serializers.FloatField(
        min_value=0, max_value=1, allow_null=True, default=None, help_text="From 0 to 1."
    )
    note = serializers.CharField(max_length=2_000, allow_blank=True, default="")

    def validate_score(self, score: float | None) -> float | None:
        """No NaN, which no bound holds."""
        if score is not None and not isfinite(score):
            raise serializers.ValidationError(gettext("Give a number from 0 to 1."))
        return score


class CallJudgement(ReadEndpoint):
    """Judges the answer of a call."""

    write_role = Role.OPERATOR
    more_error_statuses = frozenset({"400", "404"})

    @extend_schema(request=PersonsJudgementSerializer, responses=PersonsJudgementSerializer)
    def post(self, request: Request, id: UUID) -> Response:  # noqa: A002 - the address's name
        """Note it; 404 when the call's texts are no longer kept."""
        body = PersonsJudgementSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        call = GenerationMetric.objects.filter(correlation_id=id).only("created_at").first()
        thumb = None if given["thumb"] is None else given["thumb"] == "up"
        judgement = PersonsJudgement(thumb=thumb, score=given["score"], note=given["note"])
        if call is None or not judge(id, near=call.created_at, judgement=judgement):
            raise NotFound(
                gettext("There is no answer of call {id!r}, or it is no longer kept.").format(
                    id=str(id)
                )
            )
        return Response(body.data)


def _calls(values: dict[str, Any]) -> QuerySet[GenerationMetric]:
    """Bounded in time, so that PostgreSQL reads few months; ids tell calls of one moment apart."""
    rows = GenerationMetric.objects.filter(
        created_at__gte=values["since"], created_at__lt=values["until"]
    )
    if "after" in values:
        moment, row = values["after"]
        rows = rows.filter(
            Q(created_at__lt=moment) | Q(created_at=moment, pk__lt=row), created_at__lte=moment
        )
    only = {column(name): values[name] for name in DIMENSIONS if name in values}
    if "tag" in only:
        only["tags__contains"] = [only.pop("tag")]
    if "metadata" in values:
        only["metadata__contains"] = values["metadata"]
    return rows.filter(**only).defer(*UNSHOWN).order_by("-created_at", "-pk")

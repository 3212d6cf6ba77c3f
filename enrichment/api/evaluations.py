"""Sets of rows, runs over them, and two runs side by side."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.utils.translation import gettext
from rest_framework import generics, serializers, status
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from enrichment.api.batch_bodies import CascadeSerializer, ResumeRequestSerializer
from enrichment.api.enriching import TYPE_HELP
from enrichment.api.failures import EnrichmentEndpoint
from enrichment.api.forecasts import ForecastSerializer
from enrichment.errors import BadSelection
from enrichment.evaluations import run_states, runs, sets
from enrichment.evaluations.comparison import CasePair, JudgedShare, RunComparison, compare
from enrichment.evaluations.measures import Difference
from enrichment.evaluations.recorded import DEFAULT_DAYS, RecordedSource, may_see
from enrichment.evaluations.run_cascade import figures_of
from enrichment.evaluations.run_states import RunTotals, totals_of
from enrichment.evaluations.runs import RunOrder
from enrichment.evaluations.sets import MAX_CASES, CaseSource
from enrichment.lane_queue import start_judging, start_run
from enrichment.models import Transport
from enrichment.models.evaluations import EvaluationRun, EvaluationSet, WantedBy
from llmconfig.api.kit.bodies import StrictSerializer, UserField
from llmconfig.api.kit.documentation import extend_schema
from llmconfig.api.kit.endpoints import Rows
from llmconfig.roles import Role

WAY = "Its way through the run's cascade: way, score, agrees and the cheaper model; null: none."
MAX_PAIRS = 500  # of a comparison; those that differ come first


class SetRequestSerializer(StrictSerializer):
    """Which rows a set takes, and whose answers are wanted."""

    name = serializers.CharField(max_length=60, help_text="A known name makes its next version.")
    processing_type = serializers.CharField(
        max_length=50, required=False, default="", allow_blank=True, help_text=TYPE_HELP
    )
    language = serializers.CharField(max_length=35, required=False, default="", allow_blank=True)
    row_ids = serializers.ListField(
        child=serializers.CharField(max_length=40), required=False, allow_null=True,
        default=None, max_length=MAX_CASES, help_text="Null: drawn by chance.",
    )  # fmt: skip
    limit = serializers.IntegerField(required=False, default=200, min_value=1, max_value=MAX_CASES)
    wanted_by = serializers.ChoiceField(
        choices=["", WantedBy.REVIEW.value, WantedBy.ROW.value], required=False, default="",
        help_text="review: what reviewers decided; row: the value that stands now.",
    )  # fmt: skip
    csv = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=4_000_000,
        trim_whitespace=False, help_text="With the columns row_id and wanted.",
    )  # fmt: skip
    node = serializers.CharField(
        max_length=100, required=False, default="", allow_blank=True,
        help_text="Recorded calls of this node instead of rows, for callers who may read prompts.",
    )  # fmt: skip
    days = serializers.IntegerField(
        required=False, default=DEFAULT_DAYS, min_value=1, max_value=3650,
        help_text="Of these last days the calls are taken; their answers are the wanted ones.",
    )  # fmt: skip
    note = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    keep = serializers.BooleanField(
        required=False, default=False, help_text="Also the rows of the version before."
    )


class SetSerializer(serializers.ModelSerializer[EvaluationSet]):
    """One version of a set."""

    processing_type = serializers.CharField(source="enrichment", read_only=True)
    language = serializers.CharField(source="variant", read_only=True)
    node = serializers.CharField(read_only=True, help_text="Whose recorded calls; blank: rows.")
    created_by = UserField(read_only=True)
    cases = serializers.SerializerMethodField(help_text="Rows.")
    wanted = serializers.SerializerMethodField(help_text="Rows whose wanted answer is known.")

    class Meta:
        model = EvaluationSet
        fields = (
            "id", "name", "version", "processing_type", "language", "node", "note", "cases",
            "wanted", "created_by", "created_at",
        )  # fmt: skip

    def get_cases(self, found: EvaluationSet) -> int:
        return found.cases.count()

    def get_wanted(self, found: EvaluationSet) -> int:
        return found.cases.filter(wanted__isnull=False).count()


class RunRequestSerializer(StrictSerializer):
    """What is tried over which set; what is left out is what is in force."""

    set = serializers.CharField(max_length=60, help_text="Its name.")
    set_version = serializers.IntegerField(required=False, allow_null=True, default=None)
    model = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    node = serializers.CharField(max_length=100, required=False, default="", allow_blank=True)
    prompt_version = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=0,
        help_text="0 is the built-in one.",
    )  # fmt: skip
    label = serializers.CharField(  # type: ignore[assignment]  # a field's own name for itself
        max_length=100, required=False, default="", allow_blank=True
    )
    max_cost_usd = serializers.DecimalField(
        max_digits=16, decimal_places=10, required=False, allow_null=True, default=None
    )
    transport = serializers.ChoiceField(
        choices=Transport.values, required=False, default=Transport.LIVE.value,
        help_text="provider_batch costs half and takes up to a day.",
    )  # fmt: skip


class RunTotalsSerializer(serializers.Serializer[RunTotals]):
    """How far a run is; the cost is of the priced calls."""

    cases = serializers.IntegerField()
    answered = serializers.IntegerField()
    passed = serializers.IntegerField(help_text="Answers that pass the gates.")
    cost_usd = serializers.DecimalField(max_digits=16, decimal_places=10)
    unpriced = serializers.IntegerField()


class RunSerializer(serializers.ModelSerializer[EvaluationRun]):
    """One run."""

    set = serializers.CharField(source="evaluation_set", read_only=True)
    created_by = UserField(read_only=True)
    totals = serializers.SerializerMethodField()
    cascade = serializers.SerializerMethodField(
        help_text="What its cascade came to; null where there is none."
    )

    class Meta:
        model = EvaluationRun
        fields = (
            "id", "set", "label", "node", "model", "prompt_version", "transport", "status",
            "status_reason", "max_cost_usd", "created_by", "created_at", "finished_at", "totals",
            "cascade",
        )  # fmt: skip

    @extend_schema(responses=RunTotalsSerializer)
    def get_totals(self, run: EvaluationRun) -> dict[str, Any]:
        return dict(RunTotalsSerializer(totals_of(run)).data)

    @extend_schema(responses=CascadeSerializer(allow_null=True))
    def get_cascade(self, run: EvaluationRun) -> dict[str, Any] | None:
        figures = figures_of(run)
        return None if figures is None else dict(CascadeSerializer(figures).data)


class ComparisonQuerySerializer(StrictSerializer):
    """Two runs over one version of a set."""

    first = serializers.UUIDField()
    second = serializers.UUIDField()


class RunDifferenceSerializer(serializers.Serializer[Difference]):
    """A measure in both runs; `low` to `high` is the interval of the difference."""

    measure = serializers.CharField()
    cases = serializers.IntegerField()
    first = serializers.FloatField()
    second = serializers.FloatField()
    difference = serializers.FloatField()
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    verdict = serializers.CharField(help_text="first, second or blank: none is shown.")


class CasePairSerializer(serializers.Serializer[CasePair]):
    """One row's answers in both."""

    row_id = serializers.CharField()
    alike = serializers.FloatField(help_text="From 0 to 1; 1: they say the same.")
    wanted = serializers.JSONField(allow_null=True)
    first = serializers.JSONField(source="first.value", allow_null=True)
    second = serializers.JSONField(source="second.value", allow_null=True)
    first_state = serializers.CharField(source="first.state")
    second_state = serializers.CharField(source="second.state")
    first_cascade = serializers.JSONField(source="first.cascade", allow_null=True, help_text=WAY)
    second_cascade = serializers.JSONField(source="second.cascade", allow_null=True, help_text=WAY)


class JudgedShareSerializer(serializers.Serializer[JudgedShare]):
    """What the judge has compared of the rows that differ."""

    pairs = serializers.IntegerField(help_text="Rows, each in both orders.")
    of = serializers.IntegerField()
    swayed = serializers.IntegerField(help_text="Rows in which the place decided.")
    rests = serializers.CharField(help_text="Why its word is no measure; blank: it is one.")


class RunComparisonSerializer(serializers.Serializer[RunComparison]):
    """What differs, and what may be said of it."""

    verdict = serializers.CharField()
    differing = serializers.IntegerField(help_text="Rows whose answers differ.")
    wanted = serializers.IntegerField(help_text="Rows whose wanted answer is known.")
    differences = RunDifferenceSerializer(many=True)
    judged = JudgedShareSerializer(allow_null=True, help_text="Null: there is no judge.")
    cases = serializers.SerializerMethodField(help_text="Those that differ most come first.")

    @extend_schema(responses=CasePairSerializer(many=True))
    def get_cases(self, found: RunComparison) -> Any:
        return [CasePairSerializer(each).data for each in found.cases[:MAX_PAIRS]]


class SetList(EnrichmentEndpoint, Rows, generics.ListAPIView[EvaluationSet]):
    """Lists the versions of sets, and makes one."""

    queryset = EvaluationSet.objects.select_related("created_by")
    serializer_class = SetSerializer
    write_role: ClassVar[Role] = Role.OPERATOR
    request_names: ClassVar[Mapping[str, Sequence[str]]] = {
        "ids": ("row_ids",), "target_language": ("language",), "file": ("csv",),
    }  # fmt: skip
    filterset_fields = ("name", "enrichment")
    ordering_fields = ("name", "created_at")

    @extend_schema(request=SetRequestSerializer, responses={201: SetSerializer})
    def post(self, request: Request) -> Response:
        """Make a set, or its next version."""
        wanted = SetRequestSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        given = wanted.validated_data
        source = CaseSource(
            ids=given["row_ids"],
            limit=given["limit"],
            wanted_by=given["wanted_by"],
            file=given["csv"],
            calls=RecordedSource(given["node"], given["days"]) if given["node"] else None,
        )
        made = sets.make_set(
            given["name"],
            given["processing_type"],
            source,
            variant=given["language"],
            note=given["note"],
            user=self.caller,
            keep=given["keep"],
        )
        return Response(SetSerializer(made).data, status=status.HTTP_201_CREATED)


class RunList(EnrichmentEndpoint, Rows, generics.ListAPIView[EvaluationRun]):
    """Lists runs, the newest first, and starts one."""

    queryset = EvaluationRun.objects.select_related("evaluation_set", "created_by")
    serializer_class = RunSerializer
    write_role: ClassVar[Role] = Role.OPERATOR
    filterset_fields = ("status", "evaluation_set__name")
    ordering_fields = ("created_at",)

    @extend_schema(request=RunRequestSerializer, responses={202: RunSerializer})
    def post(self, request: Request) -> Response:
        """Start a run over a set."""
        wanted = RunRequestSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        given = wanted.validated_data
        found = sets.find(given.pop("set"), given.pop("set_version"))
        run = runs.begin(found, RunOrder(**given), user=self.caller)
        start_run(run)
        return Response(RunSerializer(run).data, status=status.HTTP_202_ACCEPTED)


class RunForecast(EnrichmentEndpoint):
    """What a run would take; nobody is asked."""

    write_role: ClassVar[Role] = Role.VIEWER

    @extend_schema(request=RunRequestSerializer, responses={200: ForecastSerializer})
    def post(self, request: Request) -> Response:
        """Forecast the tokens and the cost of a run."""
        wanted = RunRequestSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        given = wanted.validated_data
        found = sets.find(given.pop("set"), given.pop("set_version"))
        return Response(ForecastSerializer(runs.foresee(found, RunOrder(**given))).data)


class RunRow(EnrichmentEndpoint, Rows, generics.RetrieveAPIView[EvaluationRun]):
    """One run and how far it is."""

    queryset = EvaluationRun.objects.select_related("evaluation_set", "created_by")
    serializer_class = RunSerializer
    lookup_field = "id"


class StopRun(EnrichmentEndpoint, Rows):
    """Ends a run."""

    queryset = EvaluationRun.objects.select_related("evaluation_set", "created_by")
    serializer_class = RunSerializer
    lookup_field = "id"
    write_role: ClassVar[Role] = Role.OPERATOR

    @extend_schema(request=None, responses=RunSerializer)
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Ask no more; 409 where it has ended."""
        run = _found(kwargs["id"])
        run_states.stop(run)
        run.refresh_from_db()
        return Response(RunSerializer(run).data)


class ContinueRun(EnrichmentEndpoint, Rows):
    """Lets a stopped run go on."""

    queryset = EvaluationRun.objects.select_related("evaluation_set", "created_by")
    serializer_class = RunSerializer
    lookup_field = "id"
    write_role: ClassVar[Role] = Role.OPERATOR

    @extend_schema(request=ResumeRequestSerializer, responses=RunSerializer)
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Ask about the rest; 409 where it hasn't stopped, or its cap is spent."""
        run = _found(kwargs["id"])
        wanted = ResumeRequestSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        run_states.proceed(run, max_cost_usd=wanted.validated_data["max_cost_usd"])
        start_run(run)
        run.refresh_from_db()
        return Response(RunSerializer(run).data)


class Comparing(EnrichmentEndpoint):
    """Two runs side by side."""

    query_serializer: ClassVar[type[StrictSerializer]] = ComparisonQuerySerializer
    write_role: ClassVar[Role] = Role.OPERATOR

    @extend_schema(request=ComparisonQuerySerializer, responses={202: RunComparisonSerializer})
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Ask the judge about the rows that differ."""
        wanted = ComparisonQuerySerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        first, second = self._pair(request, wanted.validated_data)
        found = compare(first, second)
        if found.judged is None:
            raise BadSelection(gettext("judge: the node has no rubric for one."), field="judge")
        start_judging(first, second)
        return Response(RunComparisonSerializer(found).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(parameters=[ComparisonQuerySerializer], responses={200: RunComparisonSerializer})
    def get(self, request: Request, **kwargs: Any) -> Response:
        """What differs first, and an interval for each measure."""
        wanted = ComparisonQuerySerializer(data=request.query_params.dict())
        wanted.is_valid(raise_exception=True)
        first, second = self._pair(request, wanted.validated_data)
        return Response(RunComparisonSerializer(compare(first, second)).data)

    def _pair(self, request: Request, given: Any) -> list[EvaluationRun]:
        found = [_found(given[name]) for name in ("first", "second")]
        if not all(may_see(request.user, each.evaluation_set) for each in found):
            raise PermissionDenied(gettext("These are recorded calls, which you may not read."))
        return found


def _found(key: Any) -> EvaluationRun:
    run = EvaluationRun.objects.select_related("evaluation_set").filter(pk=key).first()
    if run is None:
        raise NotFound(gettext("There is no run {key}.").format(key=key))
    return run

"""What requests about batches hold, and how batches are answered."""

from typing import Any

from rest_framework import serializers

from enrichment.api.enriching import LANGUAGE_HELP, TYPE_HELP
from enrichment.batches.cascades import CascadeFigures, figures_of
from enrichment.batches.creation import AUTO, MAX_PRIORITY, Selection, Terms
from enrichment.batches.progress import Progress, progress_of
from enrichment.batches.staleness import ALL_REASONS, DEFAULT_REASONS, Reason
from enrichment.models import Batch, EnrichmentResult, Transport
from llmconfig.api.kit.bodies import MAX_KEY, StrictSerializer, UserField
from llmconfig.api.kit.documentation import extend_schema

MAX_IDS = 10_000
MAX_LANGUAGES = 20
# What these bodies call the fields that errors of selections name.
NAMES_IN_BATCHES = {"ids": ("animal_ids", "row_ids"), "target_language": ("target_languages",)}


def write_size_field() -> serializers.IntegerField:
    """How many finished rows start a write."""
    return serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        default=None,
        help_text="Finished rows that start a write, at most LLM_BATCH_MAX_SIZE.",
    )


def cap_field() -> serializers.DecimalField:
    """The most that a batch may cost."""
    return serializers.DecimalField(
        max_digits=16,
        decimal_places=10,
        required=False,
        allow_null=True,
        default=None,
        help_text="US dollars; the batch pauses when they are spent.",
    )


class BatchRequestSerializer(StrictSerializer):
    """Which rows: all that are stale, or fewer."""

    processing_type = serializers.CharField(max_length=50, help_text=TYPE_HELP)
    organization = serializers.SlugField(
        max_length=100,
        required=False,
        default="",
        help_text="The slug of the organization whose rows they are.",
    )
    limit = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1, max_value=MAX_KEY
    )
    row_ids = serializers.ListField(
        child=serializers.CharField(max_length=40),
        required=False,
        allow_null=True,
        default=None,
        allow_empty=False,
        max_length=MAX_IDS,
        help_text="The rows' keys in their table.",
    )
    stale = serializers.MultipleChoiceField(
        choices=sorted(ALL_REASONS),
        required=False,
        default={each.value for each in DEFAULT_REASONS},
        allow_empty=False,
        help_text="Why rows need work; prompt and model count only when asked for.",
    )
    target_languages = serializers.ListField(
        child=serializers.CharField(max_length=35),
        required=False,
        allow_empty=False,
        max_length=MAX_LANGUAGES,
        help_text=f"For translations. {LANGUAGE_HELP}",
    )
    batch_size = write_size_field()
    max_cost_usd = cap_field()
    priority = serializers.IntegerField(
        required=False,
        default=0,
        min_value=-MAX_PRIORITY,
        max_value=MAX_PRIORITY,
        help_text="Five more is twice the share of workers and limits.",
    )
    transport = serializers.ChoiceField(
        choices=[*Transport.values, AUTO],
        required=False,
        default=Transport.LIVE.value,
        help_text="provider_batch costs half and takes up to a day; auto chooses.",
    )
    within_hours = serializers.FloatField(
        required=False,
        allow_null=True,
        default=None,
        min_value=0,
        help_text="For auto: when it has to be done. Blank: any time.",
    )
    force = serializers.BooleanField(
        required=False, default=False, help_text="Also rows that are fresh."
    )


class ResumeRequestSerializer(StrictSerializer):
    """On which terms it goes on."""

    max_cost_usd = cap_field()


def selection_of(given: dict[str, Any]) -> Selection:
    """The rows that a checked body means."""
    return Selection(
        organization=given["organization"],
        limit=given["limit"],
        ids=given.get("animal_ids") or given["row_ids"],
        force=given["force"],
        stale=frozenset(Reason(each) for each in given["stale"]),
        variants=tuple(dict.fromkeys(given.get("target_languages", [""]))),
    )


def terms_of(given: dict[str, Any]) -> Terms:
    """The terms that a checked body asks for."""
    return Terms(
        max_cost_usd=given["max_cost_usd"],
        priority=given["priority"],
        transport=given["transport"],
        within_hours=given["within_hours"],
    )


class BatchSerializer(serializers.ModelSerializer[Batch]):
    """One batch as a list shows it."""

    processing_type = serializers.CharField(source="enrichment", read_only=True)
    created_by = UserField(read_only=True)
    transport = serializers.CharField(read_only=True, help_text="live or provider_batch.")
    rows_done = serializers.IntegerField(read_only=True, allow_null=True)
    rows_failed = serializers.IntegerField(read_only=True, allow_null=True)
    rows_skipped = serializers.IntegerField(read_only=True, allow_null=True)

    class Meta:
        model = Batch
        fields = (
            "id", "processing_type", "params", "status", "status_reason", "force", "write_size",
            "max_cost_usd", "priority", "transport", "automatic", "rows_total", "rows_done",
            "rows_failed", "rows_skipped", "created_by", "created_at", "started_at", "finished_at",
        )  # fmt: skip


class ProgressSerializer(serializers.Serializer[Progress]):
    """How far it is. Rates are rows per second, money is US dollars."""

    total = serializers.IntegerField()
    finished = serializers.IntegerField(help_text="Rows that need nothing more.")
    done = serializers.IntegerField()
    failed = serializers.IntegerField()
    skipped = serializers.IntegerField()
    waiting = serializers.IntegerField(help_text="Failed rows that get a later round.")
    calls = serializers.IntegerField()
    calls_repaid = serializers.IntegerField(help_text="Calls paid again after a worker died.")
    tokens = serializers.IntegerField()
    cost_usd = serializers.DecimalField(
        max_digits=16, decimal_places=10, allow_null=True,
        help_text="Of the priced calls; null if no call has a known price.",
    )  # fmt: skip
    unpriced_calls = serializers.IntegerField(help_text="Calls that `cost_usd` leaves out.")
    unpriced_tokens = serializers.IntegerField(help_text="The tokens of these calls.")
    seconds = serializers.FloatField()
    total_processed = serializers.IntegerField(help_text="The same as `finished`.")
    success_rate = serializers.FloatField(
        allow_null=True, help_text="Rows done among those tried, from 0 to 1."
    )
    processing_time = serializers.FloatField(help_text="The same as `seconds`.")
    rows_per_second = serializers.FloatField()
    eta_seconds = serializers.FloatField(allow_null=True)
    next_due_at = serializers.DateTimeField(allow_null=True)
    waits_for = serializers.CharField(
        allow_blank=True, help_text="Why it makes no progress, after five seconds; else blank."
    )


class CascadeSerializer(serializers.Serializer[CascadeFigures]):
    """What its cascade came to. Shares are from 0 to 1, money is US dollars."""

    model = serializers.CharField(help_text="The cheaper model's reference.")
    score = serializers.CharField(help_text="What tells how good a cheap answer is.")
    target = serializers.FloatField(help_text="Wanted agreement with the node's own model.")
    miss = serializers.FloatField(help_text="How probably that may be missed.")
    phase = serializers.CharField(help_text="learning, keeping, stopped or not_worth_it.")
    said = serializers.CharField(help_text="What it does now, or why it doesn't, in a sentence.")
    threshold = serializers.FloatField(
        allow_null=True, help_text="The score from which on cheap answers are kept."
    )
    rows = serializers.IntegerField(help_text="Rows that went through it.")
    kept = serializers.IntegerField(help_text="Rows with the cheap model's answer.")
    audited = serializers.IntegerField(help_text="Good cheap answers that both were asked about.")
    caught = serializers.IntegerField(help_text="Of these, those that differ.")
    differ_at_most = serializers.IntegerField(
        help_text="Kept rows that differ from what the node's own model would say, at most."
    )
    learned_anew = serializers.IntegerField(help_text="How often rows or models had changed.")
    cheap_calls = serializers.IntegerField()
    cheap_usd = serializers.DecimalField(max_digits=16, decimal_places=10, allow_null=True)
    dear_calls = serializers.IntegerField()
    dear_usd = serializers.DecimalField(max_digits=16, decimal_places=10, allow_null=True)
    saved_usd = serializers.DecimalField(
        source="saving.usd",
        max_digits=20,
        decimal_places=10,
        allow_null=True,
        help_text=(
            "What the kept rows would have cost more, by the mean of the own model's calls; null"
            " where a price is unknown."
        ),
    )
    saved_low_usd = serializers.DecimalField(
        source="saving.low_usd",
        max_digits=20,
        decimal_places=10,
        allow_null=True,
        help_text="Less was saved in one case of ten; null where nobody can tell.",
    )
    saved_high_usd = serializers.DecimalField(
        source="saving.high_usd",
        max_digits=20,
        decimal_places=10,
        allow_null=True,
        help_text="More was saved in one case of ten.",
    )
    events = serializers.ListField(help_text="What happened, after how many rows.")


class BatchDetailSerializer(BatchSerializer):
    """With its progress as of now."""

    progress = serializers.SerializerMethodField()
    cascade = serializers.SerializerMethodField(
        help_text="What its cascade came to; null where there is none."
    )

    class Meta:
        model = Batch
        fields = (*BatchSerializer.Meta.fields, "progress", "cascade")

    @extend_schema(responses=CascadeSerializer(allow_null=True))
    def get_cascade(self, batch: Batch) -> dict[str, Any] | None:
        figures = figures_of(batch)
        return None if figures is None else dict(CascadeSerializer(figures).data)

    @extend_schema(responses=ProgressSerializer)
    def get_progress(self, batch: Batch) -> dict[str, Any]:
        return dict(ProgressSerializer(progress_of(batch.pk)).data)


class BatchAnswerSerializer(BatchDetailSerializer):
    """With what was done, in words."""

    message = serializers.CharField(read_only=True)

    class Meta:
        model = Batch
        fields = (*BatchDetailSerializer.Meta.fields, "message")


class FailureRowSerializer(serializers.ModelSerializer[EnrichmentResult]):
    """A row that failed, and why."""

    class Meta:
        model = EnrichmentResult
        fields = ("row_id", "variant", "reason", "model_used", "correlation_id", "created_at")

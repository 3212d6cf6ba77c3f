"""The two tables with a row a call, partitioned by month on `created_at`.

The database's key is (id, created_at), Django's is `id`; nothing may point at them. Raw SQL may
insert rows too, so every default is the database's.
"""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce, Now
from django.utils.translation import gettext_lazy as _


class LongNamedIndex(models.Index):
    """An index whose name may be as long as PostgreSQL allows; 30 characters is Oracle's limit."""

    max_name_length = 63


NO_JSON_ITEMS = models.Value([], models.JSONField())


LATENCY_BELOW_MS = 1e12  # some thirty years


def tags_field() -> "ArrayField[list[str] | None, list[str] | None]":
    """A caller's tags; no row has a blank list."""
    return ArrayField(
        models.TextField(), null=True, help_text=_("Labels given by the caller. Blank: none.")
    )


class GenerationMetric(models.Model):
    """One finished generation, failed ones too; never its texts."""

    id = models.UUIDField(
        primary_key=True, default=uuid.uuid4, db_default=RandomUUID(), editable=False
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    correlation_id = models.UUIDField(
        help_text=_("The call's own ID; leads to its prompt and answer.")
    )
    session_id = models.UUIDField(
        null=True, help_text=_("The batch or conversation it belongs to.")
    )
    node_type = models.CharField(max_length=50, help_text=_("The interaction type."))
    service_name = models.CharField(
        max_length=100, help_text=_("The part of the application that called.")
    )
    method_name = models.CharField(max_length=100, help_text=_("The node."))
    operation_type = models.CharField(max_length=100, db_default="", help_text=_("The enrichment."))
    tier = models.CharField(
        max_length=50,
        db_default="",
        help_text=_("The tier of the model that answered, if it has one."),
    )
    provider = models.CharField(
        max_length=50, db_default="", help_text=_("The provider that answered last.")
    )
    model_used = models.CharField(max_length=200, help_text=_("The model that answered last."))
    tokens_input = models.IntegerField(db_default=0, help_text=_("All prompt tokens."))
    tokens_output = models.IntegerField(db_default=0, help_text=_("All answer tokens."))
    tokens_total = models.IntegerField(db_default=0, help_text=_("Prompt and answer tokens."))
    tokens_cached_input = models.IntegerField(
        db_default=0, help_text=_("Of the prompt tokens, those read from the provider's cache.")
    )
    tokens_cache_write = models.IntegerField(
        db_default=0, help_text=_("Of the prompt tokens, those written to the provider's cache.")
    )
    tokens_reasoning = models.IntegerField(
        db_default=0, help_text=_("Of the answer tokens, those spent on reasoning.")
    )
    latency_ms = models.FloatField(db_default=0.0, help_text=_("The whole call, retries included."))
    cost_usd = models.DecimalField(
        max_digits=16,
        decimal_places=10,
        null=True,
        help_text=_("All paid attempts together, in US dollars. Blank: the price is unknown."),
    )
    syntax_valid = models.BooleanField(null=True, help_text=_("Blank: not checked."))
    onex_compliant = models.BooleanField(null=True, help_text=_("Blank: not checked."))
    has_type_hints = models.BooleanField(null=True, help_text=_("Blank: not checked."))
    security_issues = models.JSONField(null=True, help_text=_("Blank: not checked."))
    finish_reason = models.CharField(
        max_length=50, null=True, help_text=_("Why the model stopped, in the provider's words.")
    )
    truncated = models.BooleanField(
        db_default=False, help_text=_("The answer was cut at its token limit.")
    )
    prompt_length = models.IntegerField(db_default=0, help_text=_("Characters sent."))
    response_length = models.IntegerField(db_default=0, help_text=_("Characters received."))
    error_code = models.CharField(max_length=50, db_default="", help_text=_("Blank: it succeeded."))
    attempts = models.JSONField(
        db_default=NO_JSON_ITEMS, help_text=_("Each request to a provider, in order.")
    )
    dropped_params = models.JSONField(
        db_default=NO_JSON_ITEMS, help_text=_("Parameters left out because the model refuses them.")
    )
    config_revision = models.BigIntegerField(
        null=True, help_text=_("The configuration's revision that the call was resolved with.")
    )
    organization_id = models.BigIntegerField(null=True, help_text=_("The caller's organization."))
    user_id = models.BigIntegerField(null=True, help_text=_("The user whose overrides applied."))
    user_key = models.CharField(
        max_length=255,
        db_default="",
        help_text=_("The same as text, where users' keys aren't whole numbers."),
    )
    account = models.CharField(
        max_length=100,
        db_default="",
        help_text=_("Whose budget it counts towards, such as an API key's."),
    )
    cache_hit = models.BooleanField(
        db_default=False, help_text=_("Answered from the response cache, without a request.")
    )
    saved_usd = models.DecimalField(
        max_digits=16,
        decimal_places=10,
        null=True,
        help_text=_("What the answer cost when it was first given, in US dollars."),
    )
    end_user = models.CharField(
        max_length=200,
        db_default="",
        help_text=_("Whom the caller serves, as the caller names them."),
    )
    tags = tags_field()
    metadata = models.JSONField(
        null=True, help_text=_("Names and values given by the caller. Blank: none.")
    )
    tool_calls = ArrayField(
        models.TextField(),
        null=True,
        help_text=_("The functions that the answer calls, in order. Blank: none."),
    )
    tool_results_length = models.IntegerField(
        db_default=0, help_text=_("Characters of tool results since the last answer.")
    )
    experiment = models.CharField(
        max_length=100, db_default="", help_text=_("The experiment that the call took part in.")
    )
    experiment_arm = models.CharField(
        max_length=100, db_default="", help_text=_("The variant that its key belongs to.")
    )

    prompt_version = models.IntegerField(
        null=True,
        help_text=_("The version of the prompt; 0 is the built-in one. Blank: not reported."),
    )
    original_cost_usd = models.DecimalField(
        max_digits=16,
        decimal_places=10,
        null=True,
        help_text=_(
            "The cost before `llm_reprice` corrected it. Blank: not corrected, or unpriced."
        ),
    )
    repriced_at = models.DateTimeField(
        null=True, help_text=_("When `llm_reprice` last corrected the cost.")
    )

    class Meta:
        db_table = "llm_generation_metrics"
        ordering = ["-created_at"]
        verbose_name = _("call")
        indexes = [
            # From a history row or a log line to its call by correlation id.
            models.Index(fields=["correlation_id"], name="idx_llm_metrics_correlation"),
            # All calls of one batch or conversation.
            models.Index(fields=["session_id"], name="idx_llm_metrics_session"),
            # The admin's filters by interaction type and by model.
            models.Index(fields=["node_type"], name="idx_llm_metrics_node_type"),
            models.Index(fields=["model_used"], name="idx_llm_metrics_model"),
            # The list of calls, newest first, and any span shorter than a month.
            models.Index(fields=["-created_at"], name="idx_llm_metrics_created"),
            # An experiment's arms, side by side (metrics.analyzers.experiments).
            models.Index(
                fields=["experiment", "created_at"],
                name="idx_llm_metrics_experiment",
                condition=~Q(experiment=""),
            ),
            # The list's filter by user: one user's calls among millions of newer ones of others.
            models.Index(
                fields=["user_id", "-created_at"],
                name="idx_llm_metrics_user",
                condition=Q(user_id__isnull=False),
            ),
            models.Index(
                fields=["user_key", "-created_at"],
                name="idx_llm_metrics_user_key",
                condition=~Q(user_key=""),
            ),
            # Cost by tier and model.
            models.Index(fields=["tier", "model_used"], name="idx_llm_metrics_tier_model"),
            # The list's filters by outcome: what they look for is rare, or not there at all.
            models.Index(
                fields=["-created_at"],
                name="idx_llm_metrics_failed",
                condition=~Q(error_code=""),
            ),
            models.Index(
                fields=["-created_at"],
                name="idx_llm_metrics_unpriced",
                condition=Q(cost_usd__isnull=True),
            ),
            # What cascades saved in a time.
            models.Index(
                fields=["-created_at"],
                name="idx_llm_metrics_cascade",
                condition=Q(metadata__has_key="cascade"),
            ),
            # The list's orders, over any time, and its bounds of latency.
            models.Index(fields=["-tokens_total", "-created_at"], name="idx_llm_metrics_tokens"),
            models.Index(fields=["-latency_ms", "-created_at"], name="idx_llm_metrics_latency"),
            models.Index(
                Coalesce("cost_usd", Value(-1), output_field=models.DecimalField()).desc(),
                F("created_at").desc(),
                name="idx_llm_metrics_cost",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="llm_metrics_tokens_not_negative",
                condition=Q(
                    tokens_input__gte=0,
                    tokens_output__gte=0,
                    tokens_cached_input__gte=0,
                    tokens_cache_write__gte=0,
                    tokens_reasoning__gte=0,
                ),
            ),
            models.CheckConstraint(
                name="llm_metrics_tokens_total_is_sum",
                condition=Q(tokens_total=F("tokens_input") + F("tokens_output")),
            ),
            models.CheckConstraint(
                name="llm_metrics_cached_within_input",
                condition=Q(
                    tokens_input__gte=F("tokens_cached_input") + F("tokens_cache_write"),
                ),
            ),
            models.CheckConstraint(
                name="llm_metrics_reasoning_within_output",
                condition=Q(tokens_output__gte=F("tokens_reasoning")),
            ),
            models.CheckConstraint(
                name="llm_metrics_cost_not_negative",
                # The upper bound refuses NaN, which PostgreSQL sorts above every number.
                condition=Q(cost_usd__isnull=True) | Q(cost_usd__gte=0, cost_usd__lt=1_000_000),
            ),
            models.CheckConstraint(
                name="llm_metrics_saved_not_negative",
                condition=Q(saved_usd__isnull=True) | Q(saved_usd__gte=0, saved_usd__lt=1_000_000),
            ),
            models.CheckConstraint(
                name="llm_metrics_sizes_not_negative",
                condition=Q(latency_ms__gte=0, prompt_length__gte=0, response_length__gte=0),
            ),
            models.CheckConstraint(
                name="llm_metrics_latency_is_a_number",
                # As above: NaN and infinity are above every number.
                condition=Q(latency_ms__lt=LATENCY_BELOW_MS),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.method_name}, {self.model_used}"


class GenerationHistory(models.Model):
    """The texts of one generation and what people thought of it; kept for a shorter time."""

    id = models.UUIDField(
        primary_key=True, default=uuid.uuid4, db_default=RandomUUID(), editable=False
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    correlation_id = models.UUIDField(
        help_text=_("The call's own ID; leads to its cost and latency.")
    )
    node_type = models.CharField(max_length=50, help_text=_("The interaction type."))
    method_name = models.CharField(max_length=100, help_text=_("The node."))
    prompt_text = models.TextField(help_text=_("What was sent."))
    generated_code = models.TextField(help_text=_("What the model answered."))
    account = models.CharField(
        max_length=100,
        db_default="",
        help_text=_("Whose budget it counts towards, such as an API key's."),
    )
    end_user = models.CharField(
        max_length=200,
        db_default="",
        help_text=_("Whom the caller serves, as the caller names them."),
    )
    tags = tags_field()
    tool_calls = models.JSONField(
        null=True, help_text=_("The tool calls of the answer, arguments included. Blank: none.")
    )
    quality_score = models.FloatField(null=True, help_text=_("From 0 to 1. Blank: not scored."))
    quality_parts = models.JSONField(
        null=True,
        help_text=_("What the score is made of: each check with its own score and reasons."),
    )
    validation_passed = models.BooleanField(
        db_default=False,
        help_text=_("The call ended without an error, and no check holds its answer back."),
    )
    user_accepted = models.BooleanField(null=True, help_text=_("Blank: nobody has judged it."))
    user_feedback = models.TextField(null=True, help_text=_("The reviewer's words."))
    manual_edits_required = models.BooleanField(
        null=True, help_text=_("A person had to change the answer before it was used.")
    )

    class Meta:
        db_table = "llm_generation_history"
        ordering = ["-created_at"]
        verbose_name = _("prompt and answer")
        verbose_name_plural = _("prompts and answers")
        permissions = [
            ("read_generationhistory", _("Can read prompts and answers")),
            ("operate_generationhistory", _("Can judge answers")),
        ]
        indexes = [
            # From a call to its texts by correlation id.
            models.Index(fields=["correlation_id"], name="idx_llm_history_correlation"),
            # The best answers first: pattern mining reads them so.
            models.Index(fields=["-quality_score"], name="idx_llm_history_quality"),
            # The admin's filter by interaction type.
            models.Index(fields=["node_type"], name="idx_llm_history_node_type"),
            # The best answers among those that passed.
            LongNamedIndex(
                fields=["validation_passed", "-quality_score"],
                name="idx_llm_history_validation_quality",
            ),
            # The list of texts, newest first; quality by node and day, from the index alone.
            models.Index(
                fields=["-created_at"],
                include=[
                    "method_name",
                    "validation_passed",
                    "user_accepted",
                    "manual_edits_required",
                    "quality_score",
                ],
                name="idx_llm_history_created",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="llm_history_quality_between_0_and_1",
                condition=Q(quality_score__isnull=True)
                | Q(quality_score__gte=0, quality_score__lte=1),
            )
        ]

    def __str__(self) -> str:
        return f"{self.method_name} {self.correlation_id}"

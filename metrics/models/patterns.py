"""Lessons mined from the history."""

import uuid

from django.conf import settings
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class PatternType(models.TextChoices):
    """The kinds of patterns that are mined from calls."""

    HIGH_QUALITY_PROMPT = "high_quality_prompt", _("High-quality prompt")
    COMMON_ERROR = "common_error", _("Common error")
    SUCCESSFUL_IMPLEMENTATION = "successful_implementation", _("Successful implementation")


class Pattern(models.Model):
    """One pattern found in past generations."""

    id = models.UUIDField(
        primary_key=True, default=uuid.uuid4, db_default=RandomUUID(), editable=False
    )
    pattern_type = models.CharField(
        max_length=50, choices=PatternType, help_text=_("What was learned.")
    )
    node_type = models.CharField(
        max_length=50,
        null=True,
        blank=True,
        help_text=_("The interaction type that it was found in. Blank: all."),
    )
    pattern_data = models.JSONField(help_text=_("Templates, examples or errors, as JSON."))
    usage_count = models.IntegerField(db_default=0, help_text=_("How often it was used."))
    avg_quality_score = models.FloatField(
        null=True, help_text=_("Mean quality, from 0 to 1, of the answers that it was found in.")
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_used_at = models.DateTimeField(null=True, help_text=_("Blank: never used."))
    fingerprint = models.CharField(
        max_length=64,
        null=True,
        editable=False,
        help_text=_("How mining recognises it. Blank: made by another program."),
    )

    class Meta:
        db_table = "llm_patterns"
        ordering = ["-usage_count"]
        indexes = [
            models.Index(fields=["pattern_type"], name="idx_llm_patterns_type"),
            models.Index(fields=["node_type"], name="idx_llm_patterns_node_type"),
            models.Index(fields=["-avg_quality_score"], name="idx_llm_patterns_quality"),
            models.Index(fields=["-usage_count"], name="idx_llm_patterns_usage"),
        ]
        constraints = [
            models.UniqueConstraint(name="llm_patterns_fingerprint", fields=["fingerprint"]),
            models.CheckConstraint(
                name="llm_patterns_usage_not_negative", condition=models.Q(usage_count__gte=0)
            ),
            models.CheckConstraint(
                name="llm_patterns_quality_between_0_and_1",
                condition=models.Q(avg_quality_score__isnull=True)
                | models.Q(avg_quality_score__gte=0, avg_quality_score__lte=1),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pattern_type} ({self.usage_count})"


class ProposalState(models.TextChoices):
    """The states of a proposed prompt: open, adopted or dismissed."""

    OPEN = "open", _("Open")
    ADOPTED = "adopted", _("Adopted")
    DISMISSED = "dismissed", _("Dismissed")


class PromptProposal(models.Model):
    """One change of a prompt that past answers speak for; a person adopts or dismisses it."""

    id = models.BigAutoField(primary_key=True)
    operation_type = models.CharField(_("operation"), max_length=100, help_text=_("Whose prompt."))
    prompt_version = models.IntegerField(
        _("version in use"), help_text=_("The version that the answers were made with.")
    )
    better_version = models.IntegerField(
        null=True, help_text=_("An older version to go back to. Blank: the one in use is kept.")
    )
    instruction = models.TextField(
        blank=True, help_text=_("What is added at the end of the instructions.")
    )
    worded_by = models.CharField(
        max_length=300,
        blank=True,
        help_text=_("The model that drafted it. Blank: fixed rules did."),
    )
    findings = models.JSONField(help_text=_("The evidence: each finding with counts and examples."))
    findings_key = models.CharField(max_length=64, editable=False)
    state = models.CharField(
        max_length=10,
        choices=ProposalState,
        default=ProposalState.OPEN,
        help_text=_("What became of it."),
    )
    adopted_version = models.IntegerField(null=True, help_text=_("The version that it became."))
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(
        auto_now=True, help_text=_("When its evidence was last seen.")
    )

    class Meta:
        db_table = "llm_prompt_proposals"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                name="llm_prompt_proposals_one_open",
                fields=["operation_type", "prompt_version"],
                condition=models.Q(state="open"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operation_type} v{self.prompt_version}"

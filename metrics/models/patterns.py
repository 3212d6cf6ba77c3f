"""Lessons mined from the history."""

import uuid

from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models.functions import Now


class PatternType(models.TextChoices):
    """What was learned."""

    HIGH_QUALITY_PROMPT = "high_quality_prompt", "High-quality prompt"
    COMMON_ERROR = "common_error", "Common error"
    SUCCESSFUL_IMPLEMENTATION = "successful_implementation", "Successful implementation"


class Pattern(models.Model):
    """One pattern found in past generations (seed 4)."""

    id = models.UUIDField(
        primary_key=True, default=uuid.uuid4, db_default=RandomUUID(), editable=False
    )
    pattern_type = models.CharField(
        max_length=50, choices=PatternType, help_text="What was learned."
    )
    node_type = models.CharField(
        max_length=50,
        null=True,
        blank=True,
        help_text="The interaction type that it was found in. Blank: all.",
    )
    pattern_data = models.JSONField(help_text="Templates, examples or errors, as JSON.")
    usage_count = models.IntegerField(db_default=0, help_text="How often it was used.")
    avg_quality_score = models.FloatField(
        null=True, help_text="Mean quality, from 0 to 1, of the answers that it was found in."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_used_at = models.DateTimeField(null=True, help_text="Blank: never used.")

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

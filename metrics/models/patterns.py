"""Lessons mined from the history."""

import uuid

from django.db import models
from django.db.models.functions import Now


class PatternType(models.TextChoices):
    """What was learned."""

    HIGH_QUALITY_PROMPT = "high_quality_prompt", "High-quality prompt"
    COMMON_ERROR = "common_error", "Common error"
    SUCCESSFUL_IMPLEMENTATION = "successful_implementation", "Successful implementation"


class Pattern(models.Model):
    """One pattern found in past generations (seed 4)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    pattern_type = models.CharField(max_length=50, choices=PatternType)
    node_type = models.CharField(max_length=50, null=True, blank=True)
    pattern_data = models.JSONField()
    usage_count = models.IntegerField(db_default=0)
    avg_quality_score = models.FloatField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_used_at = models.DateTimeField(null=True)

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
            )
        ]

    def __str__(self) -> str:
        return f"{self.pattern_type} ({self.usage_count})"

"""Which checks judge whose answers, and the answers that wait for the slow ones."""

from django.db import models
from django.db.models import Q


class QualityRule(models.Model):
    """One check for the answers of one kind of work."""

    operation_type = models.CharField(
        "operation",
        max_length=100,
        blank=True,
        help_text="The kind of work, such as an enrichment's name or the operation that a caller"
        " gives. Blank: all that have no rule of their own.",
    )
    check_name = models.CharField("check", max_length=50, help_text="What is looked at.")
    weight = models.FloatField(
        default=1.0,
        help_text="How much it counts in the score, beside the other checks' weights. 0: it is"
        " shown, but doesn't count.",
    )
    schema = models.JSONField(
        null=True,
        blank=True,
        help_text="For the JSON check: the JSON Schema that answers must obey. Blank: they only"
        " have to be JSON.",
    )
    is_active = models.BooleanField("active", default=True, help_text="Off: not checked.")

    class Meta:
        db_table = "llm_quality_rules"
        ordering = ["operation_type", "check_name"]
        constraints = [
            models.UniqueConstraint(
                name="llm_quality_rules_once",
                fields=["operation_type", "check_name"],
                violation_error_message="This operation has a rule for this check already.",
            ),
            models.CheckConstraint(
                name="llm_quality_rules_weight_range",
                condition=Q(weight__gte=0, weight__lte=100),
                violation_error_message="A weight is from 0 to 100.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.check_name} of {self.operation_type or 'other operations'}"


class WaitingAnswer(models.Model):
    """An answer in the history whose slow checks haven't run yet."""

    id = models.BigAutoField(primary_key=True)
    correlation_id = models.UUIDField(help_text="Its call.")
    created_at = models.DateTimeField(help_text="When the call was made: the month it is kept in.")
    operation_type = models.CharField(max_length=100, help_text="Whose rules apply.")
    taken_at = models.DateTimeField(null=True, help_text="When a worker took it. Blank: none has.")
    tries = models.SmallIntegerField(db_default=0, help_text="How many workers have taken it.")

    class Meta:
        db_table = "llm_quality_waiting"
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.operation_type} {self.correlation_id}"

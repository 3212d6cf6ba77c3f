"""Which checks judge whose answers, and the answers that wait for the slow ones."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class QualityRule(models.Model):
    """One check for the answers of one kind of work."""

    operation_type = models.CharField(
        _("operation"),
        max_length=100,
        blank=True,
        help_text=_(
            "Such as an enrichment's name or the operation that a caller names. Blank: all "
            "that have no rule of their own."
        ),
    )
    check_name = models.CharField(_("check"), max_length=50, help_text=_("What is checked."))
    weight = models.FloatField(
        default=1.0,
        help_text=_(
            "How much it counts in the score, relative to the other checks. 0: shown, but "
            "not counted."
        ),
    )
    schema = models.JSONField(
        null=True,
        blank=True,
        help_text=_(
            "For the JSON check: the JSON Schema that answers must match. Blank: they only "
            "have to be JSON."
        ),
    )
    is_active = models.BooleanField(_("active"), default=True, help_text=_("Off: not checked."))

    class Meta:
        db_table = "llm_quality_rules"
        ordering = ["operation_type", "check_name"]
        constraints = [
            models.UniqueConstraint(
                name="llm_quality_rules_once",
                fields=["operation_type", "check_name"],
                violation_error_message=_("This operation has a rule for this check already."),
            ),
            models.CheckConstraint(
                name="llm_quality_rules_weight_range",
                condition=Q(weight__gte=0, weight__lte=100),
                violation_error_message=_("A weight is from 0 to 100."),
            ),
        ]

    def __str__(self) -> str:
        operation = self.operation_type or gettext("other operations")
        return gettext("{check} of {operation}").format(check=self.check_name, operation=operation)


class WaitingAnswer(models.Model):
    """An answer in the history whose slow checks haven't run yet."""

    id = models.BigAutoField(primary_key=True)
    correlation_id = models.UUIDField(help_text=_("Its call."))
    created_at = models.DateTimeField(
        help_text=_("When the call was made: the month it is kept in.")
    )
    operation_type = models.CharField(max_length=100, help_text=_("Whose rules apply."))
    taken_at = models.DateTimeField(
        null=True, help_text=_("When a worker took it. Blank: none has.")
    )
    tries = models.SmallIntegerField(db_default=0, help_text=_("How many workers have taken it."))

    class Meta:
        db_table = "llm_quality_waiting"
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.operation_type} {self.correlation_id}"


class QualitySums(models.Model):
    """The answers of one period that agree in all of what made them, and what was found in them.

    NULL: the answer's call is not kept, or didn't tell. `metrics.rollups` writes these, and
    `metrics.analyzers.quality` reads them through `llm_quality_by_hour` and `llm_quality_by_day`.
    """

    id = models.BigAutoField(primary_key=True)
    period_start = models.DateTimeField(help_text=_("When the hour or day begins, in UTC."))
    method_name = models.CharField(max_length=100, help_text=_("The node."))
    provider = models.CharField(
        max_length=50, null=True, help_text=_("The provider that answered last.")
    )
    model_used = models.CharField(
        max_length=200, null=True, help_text=_("The model that answered last.")
    )
    operation_type = models.CharField(max_length=100, null=True, help_text=_("The enrichment."))
    prompt_version = models.IntegerField(null=True, help_text=_("The version of its prompt."))
    answers = models.BigIntegerField(help_text=_("How many."))
    passed = models.BigIntegerField(help_text=_("Of these, how many no check held back."))
    judged = models.BigIntegerField(help_text=_("How many people judged."))
    accepted = models.BigIntegerField(help_text=_("Of the judged, how many were accepted."))
    edited = models.BigIntegerField(help_text=_("Of the judged, how many had to be changed."))
    scored = models.BigIntegerField(help_text=_("How many have a score."))
    score_sum = models.FloatField(help_text=_("Their scores together."))
    score_squares = models.FloatField(help_text=_("The squares of these scores together."))
    syntax_checked = models.BigIntegerField(help_text=_("How many the check of syntax looked at."))
    syntax_valid = models.BigIntegerField(help_text=_("Of these, how many were valid."))
    hints_checked = models.BigIntegerField(
        help_text=_("How many the check of type hints looked at.")
    )
    hints_given = models.BigIntegerField(help_text=_("Of these, how many had all of them."))
    onex_checked = models.BigIntegerField(help_text=_("How many the ONEX check looked at."))
    onex_compliant = models.BigIntegerField(help_text=_("Of these, how many were compliant."))
    security_checked = models.BigIntegerField(
        help_text=_("How many the security scanner looked at.")
    )
    security_clean = models.BigIntegerField(
        help_text=_("Of these, how many it had nothing against.")
    )

    class Meta:
        abstract = True
        ordering: ClassVar[list[str]] = ["period_start"]

    def __str__(self) -> str:
        return f"{self.period_start:%Y-%m-%d %H:%M} {self.method_name}, {self.model_used}"


class HourlyQuality(QualitySums):
    """The answers of one UTC hour."""

    class Meta(QualitySums.Meta):
        db_table = "llm_quality_hourly"
        verbose_name_plural = _("hourly quality")
        indexes: ClassVar[list[models.Index]] = [
            # Every reader, and the replacement of an hour, goes by time.
            models.Index(fields=["period_start"], name="idx_llm_quality_hour"),
        ]


class DailyQuality(QualitySums):
    """The answers of one UTC day."""

    class Meta(QualitySums.Meta):
        db_table = "llm_quality_daily"
        verbose_name_plural = _("daily quality")
        indexes: ClassVar[list[models.Index]] = [
            # As above.
            models.Index(fields=["period_start"], name="idx_llm_quality_day"),
        ]

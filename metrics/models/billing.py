"""What providers say that they billed, and the weekly reports."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class BilledUsage(models.Model):
    """One day of one model in a provider's own export, its lines added up."""

    provider = models.CharField(max_length=50, help_text=_("The provider's name here."))
    day = models.DateField(help_text=_("In UTC, as providers count."))
    model = models.CharField(max_length=200, help_text=_("As the provider writes it."))
    requests = models.BigIntegerField(null=True, help_text=_("Blank: the export doesn't say."))
    tokens_input = models.BigIntegerField(null=True, help_text=_("Blank: the export doesn't say."))
    tokens_output = models.BigIntegerField(null=True, help_text=_("Blank: the export doesn't say."))
    cost_usd = models.DecimalField(
        max_digits=20, decimal_places=10, null=True, help_text=_("Blank: the export doesn't say.")
    )
    imported_at = models.DateTimeField(auto_now=True, help_text=_("When it was last imported."))

    class Meta:
        db_table = "llm_billed_usage"
        ordering: ClassVar[list[str]] = ["-day", "provider", "model"]
        verbose_name = _("billed usage")
        verbose_name_plural = _("billed usage")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            # Also the index of the comparison: a provider's days.
            models.UniqueConstraint(
                name="llm_billed_usage_unique", fields=["provider", "day", "model"]
            ),
            models.CheckConstraint(
                name="llm_billed_usage_counts_not_negative",
                condition=(Q(requests__isnull=True) | Q(requests__gte=0))
                & (Q(tokens_input__isnull=True) | Q(tokens_input__gte=0))
                & (Q(tokens_output__isnull=True) | Q(tokens_output__gte=0)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider}/{self.model}, {self.day}"


class WeeklyReport(models.Model):
    """One week's figures in words; a model's words, if one was there and kept to the figures."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    week_start = models.DateField(unique=True, help_text=_("The Monday on which the week begins."))
    figures = models.JSONField(help_text=_("The figures that the report may use."))
    text = models.TextField(help_text=_("The report."))
    written_by = models.CharField(
        max_length=300, blank=True, help_text=_("The model that wrote it. Blank: none did.")
    )
    remark = models.CharField(max_length=300, blank=True, help_text=_("Why no model wrote it."))
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, help_text=_("When it was sent by email."))

    class Meta:
        db_table = "llm_weekly_reports"
        ordering: ClassVar[list[str]] = ["-week_start"]

    def __str__(self) -> str:
        return gettext("Week of {day}").format(day=date_format(self.week_start, "j F Y"))

"""Batches that a person has planned: once at a moment, or again and again."""

import datetime as dt
import uuid
from collections.abc import Mapping
from types import MappingProxyType

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from enrichment.models.batches import Batch


class Recurrence(models.TextChoices):
    """How often a planned batch starts."""

    ONCE = "once", _("Once")
    HOURLY = "hourly", _("Every hour")
    DAILY = "daily", _("Every day")
    WEEKLY = "weekly", _("Every week")


PERIODS: Mapping[str, dt.timedelta] = MappingProxyType(
    {
        Recurrence.HOURLY: dt.timedelta(hours=1),
        Recurrence.DAILY: dt.timedelta(days=1),
        Recurrence.WEEKLY: dt.timedelta(weeks=1),
    }
)


class BatchSchedule(models.Model):
    """A batch that starts by itself: what it takes, on what terms, and when it is due next."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    enrichment = models.CharField(max_length=50, editable=False)
    selection = models.JSONField(default=dict, editable=False)
    terms = models.JSONField(default=dict, editable=False)
    recurrence = models.CharField(
        max_length=10,
        choices=Recurrence,
        default=Recurrence.ONCE,
        help_text=_("A missed start is made up for once."),
    )
    next_at = models.DateTimeField(_("next start"), help_text=_("In UTC."))
    is_enabled = models.BooleanField(_("enabled"), default=True)
    last_batch = models.ForeignKey(
        Batch, null=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )
    last_error = models.TextField(
        blank=True, editable=False, help_text=_("Why the last start failed.")
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "enrichment_batch_schedules"
        ordering = ["next_at"]
        verbose_name = _("planned batch")
        verbose_name_plural = _("planned batches")
        indexes = [
            # Read by the timer.
            models.Index(
                fields=["next_at"],
                name="idx_schedules_due",
                condition=models.Q(is_enabled=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.enrichment}, {self.get_recurrence_display().lower()}"

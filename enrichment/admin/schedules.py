"""Planned batches: when they start next, and how their last start went."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from enrichment.admin.batch_page import selection_in_words
from enrichment.models import BatchSchedule
from llmconfig.admin.kit.presentation import NOTHING, badge, link
from llmconfig.admin.kit.theme import ModelAdmin


@admin.register(BatchSchedule)
class BatchScheduleAdmin(ModelAdmin):
    """Planned on the page that starts a batch; here they are moved, paused and deleted."""

    list_display = ("name", "rows", "recurrence", "next_at", "state", "last")
    list_filter = ("is_enabled", "recurrence")
    list_select_related = ("last_batch",)
    list_before_template = "nodewise/batches_head.html"
    fields = ("enrichment", "rows", "recurrence", "next_at", "is_enabled", "last", "last_error")
    readonly_fields = ("enrichment", "rows", "last", "last_error")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """They are made where their cost is shown."""
        return False

    @admin.display(description=_("Batch"), ordering="enrichment")
    def name(self, schedule: BatchSchedule) -> str:
        return schedule.enrichment

    @admin.display(description=_("Rows"))
    def rows(self, schedule: BatchSchedule) -> str:
        """Which it takes, in words."""
        kept = schedule.selection
        whole = not (kept["organization"] or kept["limit"] or kept["ids"])
        return selection_in_words({**kept, "whole_table": whole})

    @admin.display(description=_("State"), ordering="is_enabled")
    def state(self, schedule: BatchSchedule) -> SafeString:
        if schedule.last_error:
            return badge(gettext("could not start"), "danger")
        return badge(gettext("planned"), "info") if schedule.is_enabled else badge(gettext("off"))

    @admin.display(description=_("Last batch"))
    def last(self, schedule: BatchSchedule) -> SafeString:
        """The batch that it started last."""
        batch = schedule.last_batch
        if batch is None:
            return NOTHING
        return link(reverse("admin:enrichment_batch_change", args=[batch.pk]), batch)

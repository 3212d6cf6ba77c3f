"""Sums of calls by hour and day, and the hours that wait to be summed anew."""

from django.contrib import admin

from llmconfig.admin.writes import ReadOnlyAdmin
from metrics.models import DailyRollup, DirtyHour, HourlyRollup


@admin.register(HourlyRollup, DailyRollup)
class RollupAdmin(ReadOnlyAdmin):
    """What dashboards read instead of the calls."""

    list_display = (
        "period_start",
        "method_name",
        "provider",
        "model_used",
        "error_code",
        "calls",
        "unpriced",
        "tokens_input",
        "tokens_output",
        "cost_usd",
    )
    list_filter = ("provider", "tier", "node_type")
    search_fields = ("method_name", "model_used")
    date_hierarchy = "period_start"
    show_full_result_count = False


@admin.register(DirtyHour)
class DirtyHourAdmin(ReadOnlyAdmin):
    """An hour whose calls changed since its sums were made; gone within a minute."""

    list_display = ("hour",)
    show_full_result_count = False

"""Sums of calls and answers by hour and day, and the hours that wait to be summed anew."""

from typing import Any, ClassVar

from django.contrib import admin

from llmconfig.admin.kit.theme import UncountedPaginator
from llmconfig.admin.kit.writes import ReadOnlyAdmin
from metrics.admin.call_filters import KindFilter, ModelFilter, NodeFilter, ProviderFilter
from metrics.admin.periods import PeriodFilter
from metrics.models import (
    DailyCallers,
    DailyQuality,
    DailyRollup,
    DirtyHour,
    HourlyCallers,
    HourlyQuality,
    HourlyRollup,
    OverviewRollup,
    WaitingDay,
)


class SumsPeriodFilter(PeriodFilter):
    """By when the hour or day begins."""

    moment = "period_start"


class SumsAdmin(ReadOnlyAdmin):
    """Neither counted nor asked for its values: there may be a million rows."""

    list_filter: ClassVar[list[Any]] = [SumsPeriodFilter, NodeFilter, ProviderFilter, ModelFilter]
    list_filter_submit = True
    search_fields: ClassVar[tuple[str, ...]] = ("method_name", "model_used")
    ordering = ("-period_start",)
    list_per_page = 50
    paginator = UncountedPaginator
    show_full_result_count = False


@admin.register(OverviewRollup)
class OverviewRollupAdmin(SumsAdmin):
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


@admin.register(HourlyRollup, DailyRollup)
class RollupAdmin(OverviewRollupAdmin):
    """The sums of periods in every dimension, the kind of use included."""

    list_filter: ClassVar[list[Any]] = [*SumsAdmin.list_filter, KindFilter]


@admin.register(HourlyCallers, DailyCallers)
class CallerSumsAdmin(SumsAdmin):
    """What the page of spending reads by key, user, tag and batch."""

    list_filter: ClassVar[list[Any]] = [SumsPeriodFilter, "kind"]
    search_fields: ClassVar[tuple[str, ...]] = ("value",)
    list_display = ("period_start", "kind", "value", "others", "calls", "failed", "cost_usd")


@admin.register(HourlyQuality, DailyQuality)
class QualitySumsAdmin(SumsAdmin):
    """What the page of quality reads instead of the answers."""

    list_display = (
        "period_start",
        "operation_type",
        "prompt_version",
        "provider",
        "model_used",
        "method_name",
        "answers",
        "passed",
        "judged",
        "accepted",
        "scored",
    )


@admin.register(DirtyHour)
class DirtyHourAdmin(ReadOnlyAdmin):
    """An hour whose calls changed since its sums were made; gone within a minute."""

    list_display = ("hour",)
    show_full_result_count = False


@admin.register(WaitingDay)
class WaitingDayAdmin(ReadOnlyAdmin):
    """A day of before there were sums by caller; beat sums the newest first."""

    list_display = ("day", "not_before")
    show_full_result_count = False

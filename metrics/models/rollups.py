"""Calls summed up by hour and by day (metrics/sql/), so no page reads a row a call.

`metrics.rollups` writes these tables; pages and analyzers read them through the views
`llm_metrics_by_hour`, `llm_metrics_by_day`, `llm_metrics_overview_by_day`, `llm_callers_by_hour`
and `llm_callers_by_day`, which count what is not summed up yet from the calls themselves.
"""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

LATENCY_SUM_BELOW_MS = 1e18


class Measures(models.Model):
    """What is summed of the calls of one period."""

    id = models.BigAutoField(primary_key=True)
    period_start = models.DateTimeField(help_text=_("When the hour or day begins, in UTC."))
    calls = models.BigIntegerField(help_text=_("How many."))
    unpriced = models.BigIntegerField(help_text=_("Of these, how many have no known cost."))
    unpriced_tokens = models.BigIntegerField(
        db_default=0, help_text=_("Tokens of the calls that have no known cost.")
    )
    cache_hits = models.BigIntegerField(help_text=_("Of these, how many the cache answered."))
    unpriced_hits = models.BigIntegerField(
        db_default=0, help_text=_("Of the cache's answers, how many saved an unknown amount.")
    )
    tokens_input = models.BigIntegerField(help_text=_("All prompt tokens."))
    tokens_output = models.BigIntegerField(help_text=_("All answer tokens."))
    tokens_cached_input = models.BigIntegerField(help_text=_("Read from providers' caches."))
    tokens_cache_write = models.BigIntegerField(help_text=_("Written to providers' caches."))
    tokens_reasoning = models.BigIntegerField(help_text=_("Spent on reasoning."))
    cost_usd = models.DecimalField(
        max_digits=24,
        decimal_places=10,
        null=True,
        help_text=_("US dollars for the priced calls. Blank: none has a price."),
    )
    saved_usd = models.DecimalField(
        max_digits=24,
        decimal_places=10,
        null=True,
        help_text=_("What the cache's answers had cost. Blank: none, or unknown."),
    )
    latency_sum_ms = models.FloatField(help_text=_("All calls' time together, retries included."))
    latency_buckets = ArrayField(
        models.SmallIntegerField(),
        help_text=_(
            "Classes of latency: n holds 2^(n/8) to 2^((n+1)/8) ms, 0 also what is faster."
        ),
    )
    latency_counts = ArrayField(
        models.BigIntegerField(), help_text=_("How many calls are in each of these classes.")
    )

    class Meta:
        abstract = True
        ordering: ClassVar[list[str]] = ["period_start"]


class Sums(Measures):
    """The calls of one period that agree in node, provider, model and outcome."""

    method_name = models.CharField(max_length=100, help_text=_("The node."))
    provider = models.CharField(max_length=50, help_text=_("The provider that answered last."))
    model_used = models.CharField(max_length=200, help_text=_("The model that answered last."))
    error_code = models.CharField(max_length=50, help_text=_("Blank: they succeeded."))

    class Meta(Measures.Meta):
        abstract = True

    def __str__(self) -> str:
        return f"{self.period_start:%Y-%m-%d %H:%M} {self.method_name}, {self.model_used}"


def _sum_is_a_number(table: str) -> models.CheckConstraint:
    """No sum that is NaN or infinite: everything that is added to it would be, too."""
    return models.CheckConstraint(
        name=f"{table}_latency_is_a_number",
        condition=models.Q(latency_sum_ms__gte=0, latency_sum_ms__lt=LATENCY_SUM_BELOW_MS),
    )


class Rollup(Sums):
    """The calls of one period that agree in every dimension."""

    node_type = models.CharField(max_length=50, help_text=_("The interaction type."))
    service_name = models.CharField(
        max_length=100, help_text=_("The part of the application that called.")
    )
    operation_type = models.CharField(max_length=100, help_text=_("The enrichment."))
    tier = models.CharField(max_length=50, help_text=_("The tier of the model that answered."))
    organization_id = models.BigIntegerField(null=True, help_text=_("The caller's organization."))

    class Meta(Sums.Meta):
        abstract = True


class HourlyRollup(Rollup):
    """The calls of one UTC hour that agree in every dimension."""

    class Meta(Rollup.Meta):
        db_table = "llm_metrics_hourly"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            _sum_is_a_number("llm_metrics_hourly")
        ]
        indexes: ClassVar[list[models.Index]] = [
            # Every reader, and the replacement of an hour, goes by time.
            models.Index(fields=["period_start"], name="idx_llm_hourly_period"),
        ]


class DailyRollup(Rollup):
    """The calls of one UTC day that agree in every dimension."""

    class Meta(Rollup.Meta):
        db_table = "llm_metrics_daily"
        constraints: ClassVar[list[models.BaseConstraint]] = [_sum_is_a_number("llm_metrics_daily")]
        indexes: ClassVar[list[models.Index]] = [
            # As above.
            models.Index(fields=["period_start"], name="idx_llm_daily_period"),
        ]


class OverviewRollup(Sums):
    """The calls of one UTC day by what the overview tells apart: few rows, however many callers."""

    class Meta(Sums.Meta):
        db_table = "llm_metrics_overview"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            _sum_is_a_number("llm_metrics_overview")
        ]
        indexes: ClassVar[list[models.Index]] = [
            # As above.
            models.Index(fields=["period_start"], name="idx_llm_overview_period"),
        ]


class CallerKind(models.TextChoices):
    """By what callers are told apart, each alone; users by their key's type."""

    KEY = "key", _("API key")
    USER = "user", _("user")
    USER_KEY = "user_key", _("user (as text)")
    TAG = "tag", _("tag")
    BATCH = "batch", _("batch")


class CallerSums(Measures):
    """The calls of one period that have the same key, user, tag or batch.

    A call is in one row of each kind, and in one for each of its tags. Of each kind a period tells
    a bounded number apart (`metrics.caller_rollups`); the rest is one row of `others`.
    """

    kind = models.CharField(
        max_length=10, choices=CallerKind, help_text=_("What these calls have in common.")
    )
    value = models.TextField(null=True, help_text=_("Which key, user, tag or batch. Blank: none."))
    others = models.BooleanField(
        help_text=_("The sum of those that are not listed separately, the less expensive ones.")
    )
    failed = models.BigIntegerField(help_text=_("Of these, how many failed."))

    class Meta(Measures.Meta):
        abstract = True

    def __str__(self) -> str:
        return f"{self.period_start:%Y-%m-%d %H:%M} {self.kind} {self.value}"


def _by_kind(name: str) -> list[models.Index]:
    """Every reader, and the replacement of a period, goes by kind and time."""
    return [
        models.Index(fields=["kind", "period_start"], name=f"idx_{name}"),
        # Whether a time has sums that don't tell all apart.
        models.Index(
            fields=["kind", "period_start"],
            name=f"idx_{name}_others",
            condition=models.Q(others=True),
        ),
    ]


class HourlyCallers(CallerSums):
    """The calls of one UTC hour that have the same key, user, tag or batch."""

    class Meta(CallerSums.Meta):
        db_table = "llm_callers_hourly"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            _sum_is_a_number("llm_callers_hourly")
        ]
        indexes: ClassVar[list[models.Index]] = _by_kind("llm_callers_hourly")


class DailyCallers(CallerSums):
    """The calls of one UTC day that have the same key, user, tag or batch."""

    class Meta(CallerSums.Meta):
        db_table = "llm_callers_daily"
        constraints: ClassVar[list[models.BaseConstraint]] = [_sum_is_a_number("llm_callers_daily")]
        indexes: ClassVar[list[models.Index]] = _by_kind("llm_callers_daily")


class WaitingDay(models.Model):
    """A day from before there were sums by caller, until they have been made of its calls."""

    id = models.BigAutoField(primary_key=True)
    day = models.DateTimeField(help_text=_("When it begins, in UTC."))
    not_before = models.DateTimeField(
        db_default=Now(), help_text=_("When its turn comes; until then it counts as done.")
    )

    class Meta:
        db_table = "llm_callers_waiting"

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d}"


class DirtyHour(models.Model):
    """One write to the calls of an hour that its rollup doesn't hold yet; triggers add these.

    Rows are only added and removed, never merged: writers that shared one row an hour would wait
    for each other's transactions.
    """

    id = models.BigAutoField(primary_key=True)
    hour = models.DateTimeField(help_text=_("When it begins, in UTC."))

    class Meta:
        db_table = "llm_rollup_dirty"
        indexes: ClassVar[list[models.Index]] = [
            # The views look up whether an hour is here; the rollup takes a day's.
            models.Index(fields=["hour"], name="idx_llm_rollup_dirty_hour"),
        ]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H:%M}"

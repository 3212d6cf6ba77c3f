"""Calls summed up by hour and by day (metrics/sql/), so no page reads a row a call.

`metrics.rollups` writes these tables; pages and analyzers read them through the views
`llm_metrics_by_hour`, `llm_metrics_by_day` and `llm_metrics_overview_by_day`, which count what is
not summed up yet from the calls themselves.
"""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

LATENCY_SUM_BELOW_MS = 1e18


class Sums(models.Model):
    """The calls of one period that agree in node, provider, model and outcome."""

    id = models.BigAutoField(primary_key=True)
    period_start = models.DateTimeField(help_text=_("When the hour or day begins, in UTC."))
    method_name = models.CharField(max_length=100, help_text=_("The node."))
    provider = models.CharField(max_length=50, help_text=_("The provider that answered last."))
    model_used = models.CharField(max_length=200, help_text=_("The model that answered last."))
    error_code = models.CharField(max_length=50, help_text=_("Blank: they succeeded."))
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

    def __str__(self) -> str:
        return f"{self.period_start:%Y-%m-%d %H:%M} {self.method_name} by {self.model_used}"


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

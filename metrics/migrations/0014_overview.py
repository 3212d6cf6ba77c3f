# ruff: noqa: S608 - our own column names
"""Days summed up by what the overview tells apart, beside the finer sums."""

import django.contrib.postgres.fields
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from metrics.migrations._partitioned import comment_columns

DIMENSIONS = "method_name, provider, model_used, error_code"
SUMMED = (
    "calls", "unpriced", "cache_hits", "tokens_input", "tokens_output", "tokens_cached_input",
    "tokens_cache_write", "tokens_reasoning", "cost_usd", "saved_usd", "latency_sum_ms",
)  # fmt: skip
FIGURES = f"period_start, {DIMENSIONS}, {', '.join(SUMMED)}, latency_buckets, latency_counts"
# A row comes once for each of its classes of latency; only the first counts for sums.
DAYS_SO_FAR = f"""
INSERT INTO llm_metrics_overview ({FIGURES})
SELECT period_start, {DIMENSIONS}, {", ".join(f"sum({name})" for name in SUMMED)},
    array_agg(bucket), array_agg(number)
FROM (
    SELECT period_start, {DIMENSIONS}, class.bucket, sum(class.number) AS number,
        {", ".join(f"sum({name}) FILTER (WHERE class.place = 1) AS {name}" for name in SUMMED)}
    FROM llm_metrics_daily
    CROSS JOIN unnest(latency_buckets, latency_counts)
        WITH ORDINALITY AS class (bucket, number, place)
    GROUP BY period_start, {DIMENSIONS}, class.bucket
) AS by_latency
GROUP BY period_start, {DIMENSIONS}
"""
# As llm_metrics_by_day (migration 0006) is: days that wait come by their hours, and calls.
VIEW = f"""
CREATE VIEW llm_metrics_overview_by_day AS
SELECT {FIGURES} FROM llm_metrics_overview AS done
WHERE NOT EXISTS (
    SELECT FROM llm_rollup_dirty AS dirty
    WHERE dirty.hour >= done.period_start
        AND dirty.hour < done.period_start + interval '24 hours'
)
UNION ALL
SELECT dirty.day, {FIGURES.removeprefix("period_start, ")}
FROM (SELECT DISTINCT date_trunc('day', hour, 'UTC') AS day FROM llm_rollup_dirty) AS dirty
CROSS JOIN LATERAL (
    SELECT * FROM llm_metrics_hourly AS hourly
    WHERE hourly.period_start >= dirty.day
        AND hourly.period_start < dirty.day + interval '24 hours'
        AND NOT EXISTS (SELECT FROM llm_rollup_dirty WHERE hour = hourly.period_start)
    OFFSET 0
) AS hours
UNION ALL
SELECT date_trunc('day', dirty.hour, 'UTC'), {FIGURES.removeprefix("period_start, ")}
FROM (SELECT DISTINCT hour FROM llm_rollup_dirty) AS dirty
CROSS JOIN LATERAL llm_hour_figures(dirty.hour, dirty.hour + interval '1 hour') AS live
"""


def install(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    schema_editor.execute(DAYS_SO_FAR, None)
    schema_editor.execute(VIEW, None)
    comment_columns(schema_editor, apps.get_model("metrics", "OverviewRollup")._meta)  # noqa: SLF001


def uninstall(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    schema_editor.execute("DROP VIEW llm_metrics_overview_by_day", None)


class Migration(migrations.Migration):
    dependencies = [
        ("metrics", "0013_bills_and_reports"),
    ]

    operations = [
        migrations.CreateModel(
            name="OverviewRollup",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "period_start",
                    models.DateTimeField(help_text="When the hour or day begins, in UTC."),
                ),
                ("method_name", models.CharField(help_text="The node.", max_length=100)),
                (
                    "provider",
                    models.CharField(help_text="The provider that answered last.", max_length=50),
                ),
                (
                    "model_used",
                    models.CharField(help_text="The model that answered last.", max_length=200),
                ),
                ("error_code", models.CharField(help_text="Blank: they succeeded.", max_length=50)),
                ("calls", models.BigIntegerField(help_text="How many.")),
                (
                    "unpriced",
                    models.BigIntegerField(help_text="Of these, how many have no known cost."),
                ),
                (
                    "cache_hits",
                    models.BigIntegerField(help_text="Of these, how many the cache answered."),
                ),
                ("tokens_input", models.BigIntegerField(help_text="All prompt tokens.")),
                ("tokens_output", models.BigIntegerField(help_text="All answer tokens.")),
                (
                    "tokens_cached_input",
                    models.BigIntegerField(help_text="Read from providers' caches."),
                ),
                (
                    "tokens_cache_write",
                    models.BigIntegerField(help_text="Written to providers' caches."),
                ),
                ("tokens_reasoning", models.BigIntegerField(help_text="Spent on reasoning.")),
                (
                    "cost_usd",
                    models.DecimalField(
                        decimal_places=10,
                        help_text="US dollars for the priced calls. Blank: none has a price.",
                        max_digits=24,
                        null=True,
                    ),
                ),
                (
                    "saved_usd",
                    models.DecimalField(
                        decimal_places=10,
                        help_text="What the cache's answers had cost. Blank: none, or unknown.",
                        max_digits=24,
                        null=True,
                    ),
                ),
                (
                    "latency_sum_ms",
                    models.FloatField(help_text="All calls' time together, retries included."),
                ),
                (
                    "latency_buckets",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.SmallIntegerField(),
                        help_text="Classes of latency: n holds 2^(n/8) to 2^((n+1)/8) ms, 0 also what is faster.",
                        size=None,
                    ),
                ),
                (
                    "latency_counts",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        help_text="How many calls are in each of these classes.",
                        size=None,
                    ),
                ),
            ],
            options={
                "db_table": "llm_metrics_overview",
                "ordering": ["period_start"],
                "abstract": False,
                "indexes": [models.Index(fields=["period_start"], name="idx_llm_overview_period")],
            },
        ),
        migrations.RunPython(install, uninstall),
    ]

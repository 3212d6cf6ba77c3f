"""Sums by key, user, tag and batch. Those of days from before are made later, day by day.

The last two days' are made again an hour later: until the last process of the version before has
ended, it may sum hours up that these sums then miss.
"""

from typing import Any

import django.contrib.postgres.fields
import django.db.models.functions.datetime
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from llmconfig.migrations._sql import InstallSQL
from metrics.migrations._partitioned import comment_columns

WAIT = """
INSERT INTO llm_callers_waiting (day, not_before)
SELECT DISTINCT period_start, now() FROM llm_metrics_daily
UNION ALL
SELECT day, now() + interval '1 hour' FROM generate_series(
    date_trunc('day', now(), 'UTC') - interval '24 hours',
    date_trunc('day', now(), 'UTC'), interval '24 hours'
) AS day WHERE EXISTS (SELECT FROM llm_metrics_daily);
"""


def comment(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for name in ("HourlyCallers", "DailyCallers"):
        comment_columns(schema_editor, apps.get_model("metrics", name)._meta)  # noqa: SLF001


def wait(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    schema_editor.execute(WAIT)


def sums(table: str) -> dict[str, Any]:
    """Both tables are alike."""
    return {
        "fields": [
            ("id", models.BigAutoField(primary_key=True, serialize=False)),
            (
                "period_start",
                models.DateTimeField(help_text="When the hour or day begins, in UTC."),
            ),
            ("calls", models.BigIntegerField(help_text="How many.")),
            (
                "unpriced",
                models.BigIntegerField(help_text="Of these, how many have no known cost."),
            ),
            (
                "unpriced_tokens",
                models.BigIntegerField(
                    db_default=0, help_text="Tokens of the calls that have no known cost."
                ),
            ),
            (
                "cache_hits",
                models.BigIntegerField(help_text="Of these, how many the cache answered."),
            ),
            (
                "unpriced_hits",
                models.BigIntegerField(
                    db_default=0,
                    help_text="Of the cache's answers, how many saved an unknown amount.",
                ),
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
            (
                "kind",
                models.CharField(
                    choices=[
                        ("key", "API key"),
                        ("user", "user"),
                        ("user_key", "user (as text)"),
                        ("tag", "tag"),
                        ("batch", "batch"),
                    ],
                    help_text="What these calls have in common.",
                    max_length=10,
                ),
            ),
            (
                "value",
                models.TextField(
                    help_text="Which key, user, tag or batch. Blank: none.", null=True
                ),
            ),
            (
                "others",
                models.BooleanField(
                    help_text="The sum of those that are not listed separately, the less expensive ones."
                ),
            ),
            ("failed", models.BigIntegerField(help_text="Of these, how many failed.")),
        ],
        "options": {
            "db_table": table,
            "ordering": ["period_start"],
            "abstract": False,
            "indexes": [
                models.Index(fields=["kind", "period_start"], name=f"idx_{table}"),
                models.Index(
                    condition=models.Q(("others", True)),
                    fields=["kind", "period_start"],
                    name=f"idx_{table}_others",
                ),
            ],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(("latency_sum_ms__gte", 0), ("latency_sum_ms__lt", 1e18)),
                    name=f"{table}_latency_is_a_number",
                )
            ],
        },
    }


class Migration(migrations.Migration):
    dependencies = [("metrics", "0010_wording")]

    operations = [
        migrations.CreateModel(name="HourlyCallers", **sums("llm_callers_hourly")),
        migrations.CreateModel(name="DailyCallers", **sums("llm_callers_daily")),
        migrations.CreateModel(
            name="WaitingDay",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("day", models.DateTimeField(help_text="When it begins, in UTC.")),
                (
                    "not_before",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        help_text="When its turn comes; until then it counts as done.",
                    ),
                ),
            ],
            options={"db_table": "llm_callers_waiting"},
        ),
        migrations.RunPython(comment, migrations.RunPython.noop),
        migrations.RunPython(wait, migrations.RunPython.noop),
        InstallSQL("metrics", "llm_hour_callers.sql"),
        InstallSQL("metrics", "llm_callers_by_hour.sql"),
        InstallSQL("metrics", "llm_callers_by_day.sql"),
    ]

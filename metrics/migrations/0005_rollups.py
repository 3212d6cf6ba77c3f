"""Tables of calls summed up by hour and day, and of the hours that are behind."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("metrics", "0004_cache_hits"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="generationmetric",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("saved_usd__isnull", True),
                    models.Q(("saved_usd__gte", 0), ("saved_usd__lt", 1000000)),
                    _connector="OR",
                ),
                name="llm_metrics_saved_not_negative",
            ),
        ),
        migrations.CreateModel(
            name="DailyRollup",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "period_start",
                    models.DateTimeField(help_text="When the hour or day begins, in UTC."),
                ),
                ("node_type", models.CharField(help_text="The interaction type.", max_length=50)),
                ("service_name", models.CharField(help_text="Who called.", max_length=100)),
                ("method_name", models.CharField(help_text="The node.", max_length=100)),
                ("operation_type", models.CharField(help_text="The enrichment.", max_length=100)),
                (
                    "tier",
                    models.CharField(
                        help_text="The tier of the model that answered.", max_length=50
                    ),
                ),
                (
                    "provider",
                    models.CharField(help_text="The provider that answered last.", max_length=50),
                ),
                (
                    "model_used",
                    models.CharField(help_text="The model that answered last.", max_length=200),
                ),
                (
                    "organization_id",
                    models.BigIntegerField(help_text="The caller's organization.", null=True),
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
                "db_table": "llm_metrics_daily",
                "ordering": ["period_start"],
                "abstract": False,
                "indexes": [models.Index(fields=["period_start"], name="idx_llm_daily_period")],
            },
        ),
        migrations.CreateModel(
            name="DirtyHour",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("hour", models.DateTimeField(help_text="When it begins, in UTC.")),
            ],
            options={
                "db_table": "llm_rollup_dirty",
                "indexes": [models.Index(fields=["hour"], name="idx_llm_rollup_dirty_hour")],
            },
        ),
        migrations.CreateModel(
            name="HourlyRollup",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "period_start",
                    models.DateTimeField(help_text="When the hour or day begins, in UTC."),
                ),
                ("node_type", models.CharField(help_text="The interaction type.", max_length=50)),
                ("service_name", models.CharField(help_text="Who called.", max_length=100)),
                ("method_name", models.CharField(help_text="The node.", max_length=100)),
                ("operation_type", models.CharField(help_text="The enrichment.", max_length=100)),
                (
                    "tier",
                    models.CharField(
                        help_text="The tier of the model that answered.", max_length=50
                    ),
                ),
                (
                    "provider",
                    models.CharField(help_text="The provider that answered last.", max_length=50),
                ),
                (
                    "model_used",
                    models.CharField(help_text="The model that answered last.", max_length=200),
                ),
                (
                    "organization_id",
                    models.BigIntegerField(help_text="The caller's organization.", null=True),
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
                "db_table": "llm_metrics_hourly",
                "ordering": ["period_start"],
                "abstract": False,
                "indexes": [models.Index(fields=["period_start"], name="idx_llm_hourly_period")],
            },
        ),
    ]

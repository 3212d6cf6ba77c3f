"""Limits of providers, budgets with their ledger, and what calls degrade to."""

import uuid

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

from llmconfig.migrations._history import record_history_of


class Migration(migrations.Migration):
    dependencies = [
        ("llmconfig", "0003_experiments"),
    ]

    operations = [
        migrations.CreateModel(
            name="Budget",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        help_text="How refusals and lists call it.", max_length=100, unique=True
                    ),
                ),
                (
                    "scope",
                    models.CharField(
                        choices=[
                            ("everything", "Everything"),
                            ("provider", "A provider"),
                            ("node", "A node"),
                            ("organization", "An organization"),
                            ("batch", "A batch or conversation"),
                            ("account", "A caller's account, such as an API key"),
                        ],
                        default="everything",
                        help_text="Which calls count.",
                        max_length=20,
                    ),
                ),
                (
                    "scope_value",
                    models.CharField(
                        blank=True,
                        help_text="The provider's or node's name, the organization's id, the batch's id or the account. Blank for everything.",
                        max_length=100,
                    ),
                ),
                (
                    "period",
                    models.CharField(
                        choices=[("day", "Each day"), ("month", "Each month"), ("total", "Never")],
                        default="month",
                        help_text="When the count starts anew (UTC).",
                        max_length=10,
                    ),
                ),
                (
                    "soft_limit_usd",
                    models.DecimalField(
                        blank=True,
                        decimal_places=6,
                        help_text="From here on calls take their interaction type's cheaper model. Blank: never.",
                        max_digits=14,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "hard_limit_usd",
                    models.DecimalField(
                        blank=True,
                        decimal_places=6,
                        help_text="Calls that could go beyond this are refused. Blank: never.",
                        max_digits=14,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "allow_unpriced",
                    models.BooleanField(
                        default=False,
                        help_text="Let models without a known price be called under the hard limit, uncounted.",
                    ),
                ),
                (
                    "is_enabled",
                    models.BooleanField(
                        default=True, help_text="Off: the budget neither counts nor refuses."
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "db_table": "llm_budgets",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="BudgetHold",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("holder", models.UUIDField()),
                ("held_usd", models.DecimalField(decimal_places=10, max_digits=20)),
                ("expires_at", models.DateTimeField()),
            ],
            options={
                "db_table": "llm_budget_holds",
            },
        ),
        migrations.CreateModel(
            name="BudgetSpending",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("period_start", models.DateField()),
                ("spent_usd", models.DecimalField(decimal_places=10, default=0, max_digits=20)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "verbose_name_plural": "budget spending",
                "db_table": "llm_budget_ledger",
                "ordering": ["-period_start", "budget"],
            },
        ),
        migrations.AddField(
            model_name="globalconfig",
            name="degrade_after_seconds",
            field=models.FloatField(
                blank=True,
                help_text="Longest wait for a provider's limits before the cheaper model is taken. Blank: as long as the call may last.",
                null=True,
                validators=[django.core.validators.MinValueValidator(0.0)],
            ),
        ),
        migrations.AddField(
            model_name="globalconfig",
            name="degrade_to",
            field=models.CharField(
                blank=True,
                help_text="Cheaper model reference, taken when a budget is over its soft limit or a call would wait too long for its provider's limits. Blank: none.",
                max_length=200,
            ),
        ),
        migrations.AddField(
            model_name="provider",
            name="max_concurrency",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Most requests under way at a time, of all processes together. Blank: as many as the provider bears.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
            ),
        ),
        migrations.AddField(
            model_name="provider",
            name="requests_per_minute",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Most requests in any 60 seconds, of all processes together. Blank: no limit.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
            ),
        ),
        migrations.AddField(
            model_name="provider",
            name="tokens_per_minute",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Most tokens, prompts and answers, in any 60 seconds, of all processes together. Blank: no limit.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
            ),
        ),
        migrations.AddConstraint(
            model_name="globalconfig",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("degrade_after_seconds__isnull", True),
                    ("degrade_after_seconds__gte", 0),
                    _connector="OR",
                ),
                name="llm_global_config_degrade_after_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="provider",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("requests_per_minute__isnull", True),
                        ("requests_per_minute__gte", 1),
                        _connector="OR",
                    ),
                    models.Q(
                        ("tokens_per_minute__isnull", True),
                        ("tokens_per_minute__gte", 1),
                        _connector="OR",
                    ),
                    models.Q(
                        ("max_concurrency__isnull", True),
                        ("max_concurrency__gte", 1),
                        _connector="OR",
                    ),
                ),
                name="llm_providers_limits_positive",
            ),
        ),
        migrations.AddConstraint(
            model_name="budget",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("scope", "everything"), ("scope_value", "")),
                    models.Q(
                        models.Q(("scope", "everything"), _negated=True),
                        models.Q(("scope_value", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="llm_budgets_scope_value",
                violation_error_message="Say which one it is for; for everything leave it blank.",
            ),
        ),
        migrations.AddConstraint(
            model_name="budget",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("soft_limit_usd__isnull", False),
                    ("hard_limit_usd__isnull", False),
                    _connector="OR",
                ),
                name="llm_budgets_some_limit",
                violation_error_message="Give a soft or a hard limit.",
            ),
        ),
        migrations.AddConstraint(
            model_name="budget",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("soft_limit_usd__isnull", True),
                        ("soft_limit_usd__gte", 0),
                        _connector="OR",
                    ),
                    models.Q(
                        ("hard_limit_usd__isnull", True),
                        ("hard_limit_usd__gte", 0),
                        _connector="OR",
                    ),
                    models.Q(
                        ("soft_limit_usd__isnull", True),
                        ("hard_limit_usd__isnull", True),
                        ("soft_limit_usd__lte", models.F("hard_limit_usd")),
                        _connector="OR",
                    ),
                ),
                name="llm_budgets_limits_in_order",
                violation_error_message="The soft limit is not above the hard one, and neither is negative.",
            ),
        ),
        migrations.AddField(
            model_name="budgetspending",
            name="budget",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="spending",
                to="llmconfig.budget",
            ),
        ),
        migrations.AddField(
            model_name="budgethold",
            name="spending",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="holds",
                to="llmconfig.budgetspending",
            ),
        ),
        migrations.AddConstraint(
            model_name="budgetspending",
            constraint=models.UniqueConstraint(
                fields=("budget", "period_start"), name="llm_budget_ledger_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="budgetspending",
            constraint=models.CheckConstraint(
                condition=models.Q(("spent_usd__gte", 0)), name="llm_budget_ledger_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="budgethold",
            constraint=models.UniqueConstraint(
                fields=("spending", "holder"), name="llm_budget_holds_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="budgethold",
            constraint=models.CheckConstraint(
                condition=models.Q(("held_usd__gte", 0)), name="llm_budget_holds_not_negative"
            ),
        ),
        record_history_of("llm_budgets"),
    ]

"""Scores with their parts, the rules that choose checks, and prompts' versions."""

from django.db import migrations, models

from llmconfig.migrations._history import record_history_of


class Migration(migrations.Migration):
    dependencies = [
        ("metrics", "0009_experiment_index"),
    ]

    operations = [
        migrations.CreateModel(
            name="WaitingAnswer",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("correlation_id", models.UUIDField(help_text="Its call.")),
                (
                    "created_at",
                    models.DateTimeField(
                        help_text="When the call was made: the month it is kept in."
                    ),
                ),
                (
                    "operation_type",
                    models.CharField(help_text="Whose rules apply.", max_length=100),
                ),
                (
                    "taken_at",
                    models.DateTimeField(
                        help_text="When a worker took it. Blank: none has.", null=True
                    ),
                ),
                (
                    "tries",
                    models.SmallIntegerField(
                        db_default=0, help_text="How many workers have taken it."
                    ),
                ),
            ],
            options={
                "db_table": "llm_quality_waiting",
                "ordering": ["id"],
            },
        ),
        migrations.AddField(
            model_name="generationhistory",
            name="quality_parts",
            field=models.JSONField(
                help_text="What the score is made of: each check with its own score and reasons.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="generationmetric",
            name="prompt_version",
            field=models.IntegerField(
                help_text="The version of the operation's prompt; 0 ships with it. Blank: none was told.",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="generationhistory",
            name="validation_passed",
            field=models.BooleanField(
                db_default=False,
                help_text="The call ended without an error, and no check holds its answer back.",
            ),
        ),
        migrations.CreateModel(
            name="QualityRule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "operation_type",
                    models.CharField(
                        blank=True,
                        help_text="The kind of work, such as an enrichment's name or the operation that a caller gives. Blank: all that have no rule of their own.",
                        max_length=100,
                        verbose_name="operation",
                    ),
                ),
                (
                    "check_name",
                    models.CharField(
                        help_text="What is looked at.", max_length=50, verbose_name="check"
                    ),
                ),
                (
                    "weight",
                    models.FloatField(
                        default=1.0,
                        help_text="How much it counts in the score, beside the other checks' weights. 0: it is shown, but doesn't count.",
                    ),
                ),
                (
                    "schema",
                    models.JSONField(
                        blank=True,
                        help_text="For the JSON check: the JSON Schema that answers must obey. Blank: they only have to be JSON.",
                        null=True,
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True, help_text="Off: not checked.", verbose_name="active"
                    ),
                ),
            ],
            options={
                "db_table": "llm_quality_rules",
                "ordering": ["operation_type", "check_name"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("operation_type", "check_name"),
                        name="llm_quality_rules_once",
                        violation_error_message="This operation has a rule for this check already.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("weight__gte", 0), ("weight__lte", 100)),
                        name="llm_quality_rules_weight_range",
                        violation_error_message="A weight is from 0 to 100.",
                    ),
                ],
            },
        ),
        record_history_of("llm_quality_rules"),
    ]

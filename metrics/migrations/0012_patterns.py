"""Patterns that are known again, and what they propose for prompts."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("metrics", "0011_faster_sums"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PromptProposal",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "operation_type",
                    models.CharField(
                        help_text="Whose prompt.", max_length=100, verbose_name="operation"
                    ),
                ),
                (
                    "prompt_version",
                    models.IntegerField(
                        help_text="The version that the answers were made with.",
                        verbose_name="version in use",
                    ),
                ),
                (
                    "better_version",
                    models.IntegerField(
                        help_text="An older version to go back to. Blank: the one in use is kept.",
                        null=True,
                    ),
                ),
                (
                    "instruction",
                    models.TextField(
                        blank=True, help_text="What is added at the end of the instructions."
                    ),
                ),
                (
                    "worded_by",
                    models.CharField(
                        blank=True,
                        help_text="The model that worded it. Blank: fixed rules did.",
                        max_length=300,
                    ),
                ),
                (
                    "findings",
                    models.JSONField(
                        help_text="The evidence: each finding with its counts, examples."
                    ),
                ),
                ("findings_key", models.CharField(editable=False, max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("adopted", "Adopted"),
                            ("dismissed", "Dismissed"),
                        ],
                        default="open",
                        help_text="What became.",
                        max_length=10,
                    ),
                ),
                (
                    "adopted_version",
                    models.IntegerField(help_text="The version that it became.", null=True),
                ),
                ("decided_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "updated_at",
                    models.DateTimeField(
                        auto_now=True, help_text="When its evidence was last seen."
                    ),
                ),
            ],
            options={
                "db_table": "llm_prompt_proposals",
                "ordering": ["-id"],
            },
        ),
        migrations.AddField(
            model_name="pattern",
            name="fingerprint",
            field=models.CharField(
                editable=False,
                help_text="By which mining knows it again. Blank: another program's.",
                max_length=64,
                null=True,
            ),
        ),
        migrations.AddConstraint(
            model_name="pattern",
            constraint=models.UniqueConstraint(
                fields=("fingerprint",), name="llm_patterns_fingerprint"
            ),
        ),
        migrations.AddField(
            model_name="promptproposal",
            name="decided_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddConstraint(
            model_name="promptproposal",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "open")),
                fields=("operation_type", "prompt_version"),
                name="llm_prompt_proposals_one_open",
            ),
        ),
    ]

"""Shadows, gates, and which arm a node took over."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("llmconfig", "0007_gateway_keys"),
    ]

    operations = [
        migrations.AddField(
            model_name="experiment",
            name="fewest_calls",
            field=models.PositiveIntegerField(
                default=100,
                help_text="Calls that an arm needs before it is judged.",
                validators=[django.core.validators.MinValueValidator(30)],
            ),
        ),
        migrations.AddField(
            model_name="experiment",
            name="mode",
            field=models.CharField(
                choices=[
                    ("split", "Split: the key's arm answers"),
                    ("shadow", "Shadow: the control answers, the key's arm is asked beside it"),
                ],
                default="split",
                help_text="A shadow's answers are paid and recorded, and never used.",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="experiment",
            name="most_cost_increase",
            field=models.FloatField(
                blank=True,
                default=0.25,
                help_text="How much dearer than the control a call may be: 0.25 is a quarter. Blank: no gate.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(0.0),
                    django.core.validators.MaxValueValidator(10.0),
                ],
            ),
        ),
        migrations.AddField(
            model_name="experiment",
            name="most_latency_increase",
            field=models.FloatField(
                blank=True,
                default=0.25,
                help_text="How much slower than the control a call may be: 0.25 is a quarter. Blank: no gate.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(0.0),
                    django.core.validators.MaxValueValidator(10.0),
                ],
            ),
        ),
        migrations.AddField(
            model_name="experiment",
            name="most_quality_loss",
            field=models.FloatField(
                blank=True,
                default=0.05,
                help_text="How much below the control the shares of successes and of accepted answers and the quality score may be: 0.05 is five in a hundred. Blank: no gate.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(0.0),
                    django.core.validators.MaxValueValidator(1.0),
                ],
            ),
        ),
        migrations.AddField(
            model_name="experiment",
            name="promoted_arm",
            field=models.CharField(
                blank=True,
                editable=False,
                help_text="The arm whose values the node took over.",
                max_length=100,
            ),
        ),
        migrations.AddConstraint(
            model_name="experiment",
            constraint=models.CheckConstraint(
                condition=models.Q(("mode__in", ["split", "shadow"])),
                name="llm_experiments_mode_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="experiment",
            constraint=models.CheckConstraint(
                condition=models.Q(("fewest_calls__gte", 30)),
                name="llm_experiments_fewest_calls_enough",
            ),
        ),
        migrations.AddConstraint(
            model_name="experiment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("most_quality_loss__isnull", True),
                        models.Q(("most_quality_loss__gte", 0), ("most_quality_loss__lte", 1)),
                        _connector="OR",
                    ),
                    models.Q(
                        ("most_cost_increase__isnull", True),
                        models.Q(("most_cost_increase__gte", 0), ("most_cost_increase__lte", 10)),
                        _connector="OR",
                    ),
                    models.Q(
                        ("most_latency_increase__isnull", True),
                        models.Q(
                            ("most_latency_increase__gte", 0), ("most_latency_increase__lte", 10)
                        ),
                        _connector="OR",
                    ),
                ),
                name="llm_experiments_margins_in_range",
            ),
        ),
    ]

"""What finds the calls that cascades made; others aren't in the index.

It isn't built concurrently, for the reason that 0009 gives.
"""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [
        ("metrics", "0012_calls_of_a_user"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="generationmetric",
            index=models.Index(
                fields=["-created_at"],
                name="idx_llm_metrics_cascade",
                condition=Q(metadata__has_key="cascade"),
            ),
        ),
    ]

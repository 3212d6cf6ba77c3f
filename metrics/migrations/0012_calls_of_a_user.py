"""What finds one user's calls, and a quicker view of the sums by caller.

The indexes aren't built concurrently, for the reason that 0009 gives. Calls without a user are in
neither.
"""

from django.db import migrations, models
from django.db.models import Q

from llmconfig.migrations._sql import InstallSQL


class Migration(migrations.Migration):
    dependencies = [
        ("metrics", "0011_sums_by_caller"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="generationmetric",
            index=models.Index(
                fields=["user_id", "-created_at"],
                name="idx_llm_metrics_user",
                condition=Q(user_id__isnull=False),
            ),
        ),
        migrations.AddIndex(
            model_name="generationmetric",
            index=models.Index(
                fields=["user_key", "-created_at"],
                name="idx_llm_metrics_user_key",
                condition=~Q(user_key=""),
            ),
        ),
        InstallSQL("metrics", "llm_callers_by_day.sql", again=True),
    ]

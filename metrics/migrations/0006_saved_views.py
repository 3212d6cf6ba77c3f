"""Views of calls that people keep, the words of texts for search, and who may read texts."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from llmconfig.migrations._sql import InstallSQL


class Migration(migrations.Migration):
    dependencies = [
        ("metrics", "0005_alerts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        InstallSQL("metrics", "llm_text_words.sql"),
        migrations.AlterModelOptions(
            name="generationhistory",
            options={
                "ordering": ["-created_at"],
                "permissions": [("read_generationhistory", "Can read prompts and answers")],
                "verbose_name": "prompt and answer",
                "verbose_name_plural": "prompts and answers",
            },
        ),
        migrations.CreateModel(
            name="SavedView",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(help_text="What its link is called.", max_length=80)),
                (
                    "query",
                    models.CharField(help_text="What stands in the address.", max_length=2000),
                ),
                (
                    "is_shared",
                    models.BooleanField(default=False, help_text="Whether everybody sees it."),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        help_text="Who keeps it.",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "llm_saved_views",
                "ordering": ["name", "pk"],
                "permissions": [("operate_savedview", "Can save views of calls for everybody")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("owner", "name"), name="llm_saved_views_one_of_a_name"
                    )
                ],
            },
        ),
    ]

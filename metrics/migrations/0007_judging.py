"""Who may judge answers; nothing in the tables changes."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("metrics", "0006_saved_views"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="generationhistory",
            options={
                "ordering": ["-created_at"],
                "permissions": [
                    ("read_generationhistory", "Can read prompts and answers"),
                    ("operate_generationhistory", "Can judge answers"),
                ],
                "verbose_name": "prompt and answer",
                "verbose_name_plural": "prompts and answers",
            },
        ),
    ]

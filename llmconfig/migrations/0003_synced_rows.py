"""What a sync remembers of providers, models and budgets."""

from django.db import migrations, models

from llmconfig.migrations._sql import InstallSQL


class Migration(migrations.Migration):
    dependencies = [
        ("llmconfig", "0002_stored_responses"),
    ]

    operations = [
        migrations.AddField(
            model_name="budget",
            name="synced_values",
            field=models.JSONField(
                blank=True,
                db_default=models.Value({}, models.JSONField()),
                default=dict,
                editable=False,
            ),
        ),
        migrations.AddField(
            model_name="provider",
            name="synced_values",
            field=models.JSONField(
                blank=True,
                db_default=models.Value({}, models.JSONField()),
                default=dict,
                editable=False,
            ),
        ),
        migrations.AddField(
            model_name="providermodel",
            name="synced_values",
            field=models.JSONField(
                blank=True,
                db_default=models.Value({}, models.JSONField()),
                default=dict,
                editable=False,
            ),
        ),
        migrations.AlterField(
            model_name="nodeconfiguration",
            name="synced_values",
            field=models.JSONField(
                blank=True,
                db_default=models.Value({}, models.JSONField()),
                default=dict,
                editable=False,
            ),
        ),
        # It named all columns of the table; now those that it shows.
        InstallSQL("llmconfig", "llm_context_windows.sql", again=True),
    ]

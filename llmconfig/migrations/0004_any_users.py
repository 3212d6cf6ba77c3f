"""Revisions name their author in projects whose users' keys are no whole numbers."""

from django.db import migrations

from llmconfig.migrations._sql import InstallSQL


class Migration(migrations.Migration):
    dependencies = [
        ("llmconfig", "0003_synced_rows"),
    ]

    operations = [InstallSQL("llmconfig", "llm_open_revision.sql", again=True)]

"""Revisions name their author in projects whose users' keys are no whole numbers."""

from django.db import migrations

from llmconfig.migrations._sql import InstallSQL


class Migration(migrations.Migration):
    dependencies = [
        ("llmconfig", "0002_stored_responses"),
    ]

    operations = [InstallSQL("llmconfig", "llm_open_revision.sql", again=True)]

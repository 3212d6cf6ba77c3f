"""API keys that are rotated: the one before goes on opening for a while, and is in no history."""

from django.db import migrations, models

from llmconfig.migrations._sql import InstallSQL


class Migration(migrations.Migration):
    dependencies = [
        ("llmconfig", "0007_cascades"),
    ]

    operations = [
        migrations.AddField(
            model_name="gatewaykey",
            name="previous_hash",
            field=models.CharField(editable=False, max_length=64, null=True, unique=True),
        ),
        migrations.AddField(
            model_name="gatewaykey",
            name="previous_until",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AlterModelOptions(
            name="gatewaykey",
            options={"ordering": ["name"], "verbose_name": "API key"},
        ),
        InstallSQL("llmconfig", "llm_record_change.sql", again=True),
    ]

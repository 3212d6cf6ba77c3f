"""When a model retires, and who may call models by hand."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("llmconfig", "0005_key_rotation_is_no_revision"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="llmconfig",
            options={
                "permissions": [
                    ("operate_llmconfig", "Can test providers and call models in the playground")
                ],
                "verbose_name": "processing settings",
                "verbose_name_plural": "processing settings",
            },
        ),
        migrations.AddField(
            model_name="providermodel",
            name="retires_at",
            field=models.DateTimeField(
                blank=True,
                help_text="When its provider stops serving it. Discovery enters what a provider announces. Blank: not announced.",
                null=True,
            ),
        ),
    ]

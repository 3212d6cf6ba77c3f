"""Results without the indexes that no query needs, their values compressed by lz4."""

import django.db.models.deletion
from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from metrics.migrations._compression import compress

TABLE = "enrichment_results"
COLUMNS = ("value", "previous_value", "suggestion")


def by_lz4(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    compress(schema_editor, TABLE, COLUMNS, by="lz4")


def by_default(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    compress(schema_editor, TABLE, COLUMNS, by="default")


class Migration(migrations.Migration):
    dependencies = [
        ("enrichment", "0004_provider_batches"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="enrichmentresult",
            name="batch",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="results",
                to="enrichment.batch",
            ),
        ),
        migrations.AlterField(
            model_name="enrichmentresult",
            name="reviewed_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="enrichmentresult",
            index=models.Index(
                condition=models.Q(("reviewed_by__isnull", False)),
                fields=["reviewed_by"],
                name="idx_results_reviewed_by",
            ),
        ),
        migrations.RunPython(by_lz4, by_default),
    ]

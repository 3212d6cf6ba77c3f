"""Listings become an app of their own; prompts know an organization by its key alone."""

from typing import Any

from django.apps import apps as installed
from django.db import migrations, models

import enrichment.models.facts

# Tables that say which model their rows are about.
_TARGETS = ("enrichment_results", "enrichment_fact_sources")


def _renamed(old: str, new: str) -> str:
    return "; ".join(
        f"UPDATE {table} SET target = '{new}' WHERE target = '{old}'"  # noqa: S608 - our own words
        for table in _TARGETS
    )


def drop_unused(apps: Any, schema_editor: Any) -> None:
    """A project without listings keeps no tables for them."""
    if not installed.is_installed("enrichment.listings"):
        schema_editor.execute("DROP TABLE IF EXISTS animals")
        schema_editor.execute("DROP TABLE IF EXISTS organizations")


class Migration(migrations.Migration):
    dependencies = [("enrichment", "0009_submissions_repeated")]

    operations = [
        migrations.RemoveConstraint("prompt", "enrichment_prompts_one_active"),
        migrations.AlterModelOptions("prompt", {"ordering": ["enrichment", "-version"]}),
        migrations.AlterField(
            "prompt",
            "organization",
            models.BigIntegerField(blank=True, db_column="organization_id", null=True),
        ),
        migrations.RenameField("prompt", "organization", "organization_id"),
        migrations.AlterField(
            "prompt",
            "organization_id",
            models.BigIntegerField(
                blank=True,
                help_text="Only for this organization's rows, by its key where the rows are. Blank: for all that have none of their own.",
                null=True,
                verbose_name="organization",
            ),
        ),
        migrations.AlterModelOptions(
            "prompt", {"ordering": ["enrichment", "organization_id", "-version"]}
        ),
        migrations.AddConstraint(
            "prompt",
            models.UniqueConstraint(
                condition=models.Q(("is_active", True)),
                fields=("enrichment", "organization_id"),
                name="enrichment_prompts_one_active",
                nulls_distinct=False,
            ),
        ),
        migrations.AlterField(
            "factsource",
            "target",
            models.CharField(
                default=enrichment.models.facts.default_target,
                help_text="The table whose rows it knows something about, as app.model.",
                max_length=100,
                verbose_name="table",
            ),
        ),
        migrations.RunSQL(
            _renamed("enrichment.Animal", "listings.Animal"),
            _renamed("listings.Animal", "enrichment.Animal"),
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.DeleteModel("Animal"),
                migrations.DeleteModel("Organization"),
            ],
            database_operations=[migrations.RunPython(drop_unused, migrations.RunPython.noop)],
        ),
    ]

"""CONTRIBUTING.md, "Expand, then contract": what a migration may do while older code still runs."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.models import NOT_PROVIDED

from llmconfig.migrations._sql import InstallSQL
from llmconfig.migrations._wording import Reworded

APPS = ("llmconfig", "metrics", "enrichment", "listings")
# Migrations that take away what no code of the release before reads or writes, and why.
CONTRACTIONS = {
    ("metrics", "0003_unpriced_tokens"): "makes its views anew, with more columns, in one go",
}
EXPANDING = (
    migrations.CreateModel,
    migrations.AddIndex,
    AddIndexConcurrently,
    migrations.AddConstraint,  # that old code keeps it, its author says
    migrations.AlterModelOptions,
    migrations.AlterConstraint,  # Django's state alone: it leaves the table as it is
    migrations.RunPython,
    InstallSQL,
)


def narrower(before: Any, after: Any) -> bool:
    """Whether a column takes less than it did, or other things."""
    shorter = before.max_length is not None and (after.max_length or 0) < before.max_length
    required = before.null and not after.null
    lost_default = before.db_default is not NOT_PROVIDED and after.db_default is NOT_PROVIDED
    return (
        before.get_internal_type() != after.get_internal_type()
        or shorter or required or lost_default
    )  # fmt: skip


def column_of(field: Any) -> tuple[Any, ...]:
    """What the database knows of a field."""
    _, path, args, named = field.deconstruct()
    kept = {key: value for key, value in named.items() if key not in field.non_db_attrs}
    if "base_field" in kept:
        kept["base_field"] = column_of(kept["base_field"])
    return path, args, kept


def statements_needed(reworded: Reworded, app: str, models_before: Any) -> list[str]:
    """Which of its changes would change a table: no statement is sent for them."""
    return [
        each.describe()
        for each in reworded.state_operations
        if not isinstance(each, (migrations.AlterModelOptions, migrations.AlterConstraint))
        and not (
            isinstance(each, migrations.AlterField)
            and column_of(models_before[app, each.model_name_lower].fields[each.name])
            == column_of(each.field)
        )
    ]


def contracting(operation: Any, state: Any = None) -> str:
    """Why older code couldn't live with it; blank when it can."""
    if isinstance(operation, migrations.AddField):
        field = operation.field
        kept = field.null or field.many_to_many or field.db_default is not NOT_PROVIDED
        return "" if kept else "older code inserts rows without it: give it db_default or null=True"
    if isinstance(operation, migrations.AlterField) and state is not None:
        before = state.fields[operation.name]
        return "the column takes less" if narrower(before, operation.field) else ""
    if type(operation) in EXPANDING or isinstance(operation, EXPANDING):
        return ""
    return "it changes or removes what older code uses"


def found() -> Iterator[str]:
    loader = MigrationLoader(None)
    for (app, name), migration in loader.disk_migrations.items():
        if app in APPS and name != "0001_initial" and (app, name) not in CONTRACTIONS:
            before = loader.project_state((app, name), at_end=False).models
            for operation in migration.operations:
                if isinstance(operation, Reworded):
                    for each in statements_needed(operation, app, before):
                        yield f"{app}.{name}: {each}: it changes the table, and Reworded won't"
                    continue
                model = getattr(operation, "model_name_lower", "")
                if reason := contracting(operation, before.get((app, model))):
                    yield f"{app}.{name}: {operation.describe()}: {reason}"


def test_every_migration_after_the_first_only_adds():
    assert list(found()) == []


def test_what_is_reworded_changes_no_table():
    field = models.CharField(max_length=9, choices=[("a", "A")])
    known = {("enrichment", "batch"): SimpleNamespace(fields={"label": field})}
    said = models.CharField("name", max_length=9, help_text="What it is called.")
    longer, empty = models.CharField(max_length=10), models.CharField(max_length=9, null=True)

    def needed(to):
        return statements_needed(
            Reworded([migrations.AlterField("batch", "label", to)]), "enrichment", known
        )

    assert needed(said) == []
    assert len(needed(longer)) == len(needed(empty)) == 1


@pytest.mark.parametrize(
    ("operation", "allowed"),
    [
        (migrations.AddField("batch", "new", models.TextField()), False),
        (migrations.AddField("batch", "new", models.TextField(default="")), False),
        (migrations.AddField("batch", "new", models.TextField(db_default="")), True),
        (migrations.AddField("batch", "new", models.TextField(null=True)), True),
        (migrations.RemoveField("batch", "label"), False),
        (migrations.RenameField("batch", "label", "title"), False),
        (migrations.AlterField("batch", "label", models.TextField()), False),
        (migrations.DeleteModel("batch"), False),
        (migrations.RunSQL("DROP VIEW llm_cost_trends"), False),
        (migrations.CreateModel("new", [("id", models.BigAutoField(primary_key=True))]), True),
    ],
)
def test_the_rule_tells_adding_from_taking_away(operation, allowed):
    assert (contracting(operation) == "") is allowed

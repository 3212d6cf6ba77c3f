"""Migrations forwards and backwards with rows inside; SQL that is installed as its files say."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from model_bakery import baker

from llmconfig.migrations._sql import InstallSQL
from llmconfig.models import Provider

ROOT = Path(__file__).resolve().parents[2]
APPS = ("llmconfig", "metrics", "enrichment", "listings")
# What is gone when an app's migrations are: its own, and those that call its history's function.
GONE_WITH = {
    "llmconfig": {"llmconfig", "metrics", "enrichment"},
    "metrics": {"metrics"},
    "enrichment": {"enrichment"},
    "listings": {"listings"},
}
# Where a made-up value breaks a constraint.
VALUES: dict[str, dict[str, Any]] = {
    "enrichment.ProviderBatchSubmission": {"run__label": "a run's, not a chunk's"},
    "llmconfig.Budget": {"hard_limit_usd": 1},
    "llmconfig.BudgetSpending": {"budget__hard_limit_usd": 1},
    "llmconfig.BudgetHold": {"spending__budget__hard_limit_usd": 1},
    "llmconfig.GatewayKey": {"allows_everything": True},
    "llmconfig.UserConfig": {"interaction_type": "reasoning"},
    "metrics.AlertRule": {"event": "budget"},
    "metrics.AlertDelivery": {"rule__event": "budget"},
    "metrics.DailyCallers": {"latency_sum_ms": 1},
    "metrics.DailyRollup": {"latency_sum_ms": 1},
    "metrics.HourlyCallers": {"latency_sum_ms": 1},
    "metrics.HourlyRollup": {"latency_sum_ms": 1},
    "metrics.OverviewRollup": {"latency_sum_ms": 1},
}
COLUMNS = """
SELECT 'column', attrelid::regclass::text, attname::text, format_type(atttypid, atttypmod),
    concat_ws(' ', attnotnull, attidentity, attstorage, attcompression,
        col_description(attrelid, attnum), pg_get_expr(adbin, adrelid))
FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE attnum > 0 AND NOT attisdropped AND relkind IN ('r', 'p', 'v')
    AND relnamespace = 'public'::regnamespace
"""
CONSTRAINTS = """
SELECT 'constraint', conrelid::regclass::text, conname::text, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
"""
INDEXES = """
SELECT 'index', tablename::text, indexname::text, indexdef
FROM pg_indexes WHERE schemaname = 'public'
"""
FUNCTIONS = """
SELECT 'function ' || oid::regprocedure, pg_get_functiondef(oid) FROM pg_proc
WHERE pronamespace = 'public'::regnamespace
"""
TRIGGERS = """
SELECT format('trigger %s on %s', tgname, tgrelid::regclass), pg_get_triggerdef(oid)
FROM pg_trigger WHERE NOT tgisinternal AND tgparentid = 0
"""
VIEWS = "SELECT 'view ' || viewname, definition FROM pg_views WHERE schemaname = 'public'"
DEFINITIONS = (FUNCTIONS, TRIGGERS, VIEWS)
CATALOGUE = (COLUMNS, CONSTRAINTS, INDEXES, *DEFINITIONS)


def selected(*statements: str) -> set[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        found: set[tuple[Any, ...]] = set()
        for statement in statements:
            cursor.execute(statement)
            found.update(cursor.fetchall())
    return found


def models_of(*labels: str) -> list[Any]:
    return [
        model
        for label in labels
        for model in apps.get_app_config(label).get_models()
        if model._meta.managed
    ]


def tables_left() -> set[str]:
    """Our models' tables that are there."""
    return tables_of(*APPS) & set(connection.introspection.table_names())


def fill_every_table() -> None:
    Provider.objects.get_or_create(name="local")  # the processing settings' default
    for model in models_of(*APPS):
        if not model.objects.exists():  # triggers and other rows have filled some
            baker.make(model, **VALUES.get(model._meta.label, {}))
    assert [model for model in models_of(*APPS) if not model.objects.exists()] == []


@pytest.fixture(scope="module")
def scratch_database(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """A migrated database that only this module's tests use, in place of the tests' own."""
    usual = connection.settings_dict["NAME"]
    scratch = f"{usual}_scratch"
    with django_db_blocker.unblock():
        with connection.cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{scratch}" WITH (FORCE)')  # of a killed run
            template = connection.settings_dict["TEST"].get("TEMPLATE") or "template1"
            cursor.execute(f'CREATE DATABASE "{scratch}" TEMPLATE "{template}"')
        connection.close()
        connection.settings_dict["NAME"] = scratch
        try:
            call_command("migrate", verbosity=0)  # a copy of the migrated template is that already
            yield
        finally:
            connection.close()
            connection.settings_dict["NAME"] = usual
            with connection.cursor() as cursor:
                cursor.execute(f'DROP DATABASE "{scratch}" WITH (FORCE)')


def tables_of(*labels: str) -> set[str]:
    return {model._meta.db_table for model in models_of(*labels)}


@pytest.mark.usefixtures("scratch_database")
@pytest.mark.parametrize("app", APPS)
def test_an_app_goes_back_to_zero_and_forwards_again_with_rows_in_every_table(app):
    before = selected(*CATALOGUE)
    fill_every_table()
    call_command("migrate", app, "zero", verbosity=0)
    assert tables_left() == tables_of(*APPS) - tables_of(*GONE_WITH[app])
    call_command("migrate", app, verbosity=0)
    assert tables_left() >= tables_of(app)
    for label in GONE_WITH[app] - {app}:
        call_command("migrate", label, verbosity=0)
    assert selected(*CATALOGUE) == before


@pytest.mark.usefixtures("scratch_database")
def test_all_apps_go_back_to_zero_in_another_order_and_forwards_from_an_empty_database():
    before = selected(*CATALOGUE)
    for app in ("metrics", "llmconfig", "enrichment", "listings"):
        call_command("migrate", app, "zero", verbosity=0)
    assert tables_left() == set()
    assert selected(*DEFINITIONS) == set()
    call_command("migrate", "metrics", verbosity=0)  # brings what it needs of llmconfig
    call_command("migrate", "llmconfig", verbosity=0)
    assert tables_left() == tables_of("llmconfig", "metrics")
    call_command("migrate", verbosity=0)
    assert selected(*CATALOGUE) == before


def installing() -> list[InstallSQL]:
    """Every InstallSQL, in the order of the migrations."""
    loader = MigrationLoader(connection)
    plan = loader.graph._generate_plan(nodes=loader.graph.leaf_nodes(), at_end=True)
    return [
        operation
        for node in plan
        for operation in loader.graph.nodes[node].operations
        if isinstance(operation, InstallSQL)
    ]


def install(operation: InstallSQL) -> None:
    with connection.schema_editor(atomic=False) as editor:
        operation.database_forwards("llmconfig", editor, ProjectState(), ProjectState())


def drop(operation: InstallSQL) -> None:
    with connection.schema_editor(atomic=False) as editor:
        operation.database_backwards("llmconfig", editor, ProjectState(), ProjectState())


@pytest.mark.django_db
def test_the_database_has_the_functions_triggers_and_views_that_the_files_say_and_no_others():
    migrated = dict(selected(*DEFINITIONS))
    for operation in reversed(installing()):
        drop(operation)
    assert selected(*DEFINITIONS) == set()
    for operation in installing():
        install(operation)
    assert dict(selected(*DEFINITIONS)) == migrated


@pytest.mark.django_db
def test_every_sql_file_is_installed_by_a_migration():
    folders = {app.label: Path(app.path) / "sql" for app in apps.get_app_configs()}
    files = {
        (label, path.name)
        for label, folder in folders.items()
        if folder.is_relative_to(ROOT) and ".venv" not in folder.parts
        for path in folder.glob("*.sql")
    }
    assert {(operation.app, operation.file) for operation in installing()} == files
    assert len(files) >= 17


@pytest.mark.django_db
def test_a_file_that_is_installed_again_stays_when_that_migration_is_reversed():
    before = selected(*DEFINITIONS)
    again = InstallSQL("llmconfig", "llm_context_windows.sql", again=True)
    install(again)
    drop(again)
    assert selected(*DEFINITIONS) == before


@pytest.mark.django_db
def test_a_trigger_whose_table_a_later_migration_makes_is_left_out_until_then():
    history = InstallSQL("llmconfig", "history_triggers.sql")
    drop(history)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE llm_refused_parameters RENAME TO made_later")
    install(history)
    assert "llm_refused_parameters_history" not in str(selected(*DEFINITIONS))
    assert "llm_budgets_history" in str(selected(*DEFINITIONS))
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE made_later RENAME TO llm_refused_parameters")
    install(history)
    assert "llm_refused_parameters_history" in str(selected(*DEFINITIONS))


@pytest.mark.django_db
def test_sqlmigrate_shows_the_sql_of_the_files(capsys):
    call_command("sqlmigrate", "enrichment", "0001")
    shown = capsys.readouterr().out
    assert re.search(
        r"^CREATE OR REPLACE TRIGGER enrichment_fact_sources_history ", shown, re.MULTILINE
    )


def test_one_app_can_be_migrated_alone_into_an_empty_database():
    """Its permissions are made then, with names longer than auth's first migration has room for."""
    graph = MigrationLoader(None).graph
    for app in ("llmconfig", "metrics", "enrichment"):
        (last,) = graph.leaf_nodes(app)
        assert ("auth", "0002_alter_permission_name_max_length") in graph.forwards_plan(last)


@pytest.mark.django_db
def test_models_and_migrations_agree():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)

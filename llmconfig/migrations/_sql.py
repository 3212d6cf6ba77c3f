"""Functions, triggers and views of an app, installed from the files in its folder sql/."""

import re
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import router
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

_DEFINED = re.compile(
    r"^CREATE OR REPLACE (?:(?P<kind>FUNCTION|VIEW) (?P<name>\w+)"
    r"|TRIGGER (?P<trigger>\w+) [^;]*? ON (?P<table>\w+)[^;]*;)",
    re.MULTILINE,
)


class InstallSQL(Operation):
    """Install what `<app>/sql/<file>` defines; backwards, drop it.

    Each definition in the file is a CREATE OR REPLACE FUNCTION, VIEW or TRIGGER at the beginning of
    a line. Triggers of tables that don't exist yet are left out: the migration that makes such a
    table installs the file again.

    When a file changes, a new migration installs it with `again=True`; backwards that leaves the
    new definition. If the new one needs tables or columns that older migrations don't make, move
    the older InstallSQL of the file into the new migration instead.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, app: str, file: str, *, again: bool = False) -> None:
        self.app, self.file, self.again = app, file, again

    def text(self) -> str:
        """The file's SQL. Raises ValueError when it defines nothing that could be dropped."""
        path = Path(apps.get_app_config(self.app).path) / "sql" / self.file
        text = path.read_text(encoding="utf-8")
        if not _DEFINED.search(text):
            raise ValueError(
                f"{path} defines nothing. Write CREATE OR REPLACE FUNCTION, VIEW or TRIGGER at the"
                " beginning of a line."
            )
        return text

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Models don't change."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        connection = schema_editor.connection
        if not router.allow_migrate(connection.alias, app_label):
            return
        with connection.cursor() as cursor:
            tables = set(connection.introspection.table_names(cursor))

        def existing(found: re.Match[str]) -> str:
            return found[0] if found["table"] is None or found["table"] in tables else ""

        text = self.text()
        if not schema_editor.collect_sql:  # sqlmigrate runs nothing, so no table exists
            text = _DEFINED.sub(existing, text)
        schema_editor.execute(text, None)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if self.again or not router.allow_migrate(schema_editor.connection.alias, app_label):
            return
        for found in reversed(list(_DEFINED.finditer(self.text()))):
            if found["trigger"]:
                drop = f"DROP TRIGGER IF EXISTS {found['trigger']} ON {found['table']}"
            else:
                drop = f"DROP {found['kind']} {found['name']}"
            schema_editor.execute(drop, None)

    def describe(self) -> str:
        return f"Install {self.app}/sql/{self.file}"

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (
            self.__class__.__qualname__,
            [self.app, self.file],
            {"again": True} if self.again else {},
        )

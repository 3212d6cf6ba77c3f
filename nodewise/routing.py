"""For projects with several databases: `DATABASE_ROUTERS = ["nodewise.routing.Router", …]`."""

from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model

from llmconfig.roles import APPS


class Router:
    """Sends our tables to `default`, and makes them nowhere else; says nothing of other apps."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        """`default` for ours."""
        return DEFAULT_DB_ALIAS if model._meta.app_label in APPS else None  # noqa: SLF001 - Django's API

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        """Ours in `default` alone."""
        return db == DEFAULT_DB_ALIAS if app_label in APPS else None

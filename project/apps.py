"""The wiring as a Django app."""

from typing import Any

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class ProjectConfig(AppConfig):
    """Holds nothing of its own; it is the top of the import direction."""

    name = "project"

    def ready(self) -> None:
        """Keep the roles in step with the permissions that migrations make."""
        # The last of our apps with models: by then all permissions exist.
        post_migrate.connect(make_roles, sender=apps.get_app_config("listings"))


def make_roles(**kwargs: Any) -> None:
    """Runs after `migrate`."""
    from llmconfig.roles import ensure_roles  # noqa: PLC0415 - needs the app registry

    ensure_roles()

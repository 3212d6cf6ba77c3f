"""The wiring as a Django app."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.contrib import admin
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core import checks


class ProjectConfig(AppConfig):
    """Holds nothing of its own; it is the top of the import direction."""

    name = "project"

    def ready(self) -> None:
        """Look after what the process stands on: clocks, the broker."""
        from llmconfig import roles  # noqa: PLC0415 - needs apps
        from llmconfig.roles import Role  # noqa: PLC0415 - needs apps
        from llmconfig.runtime import database_clock  # noqa: PLC0415 - needs settings
        from project.access import ABOUT_PEOPLE  # noqa: PLC0415 - needs apps

        roles.give_also(Role.ADMINISTRATOR, *ABOUT_PEOPLE)
        database_clock.watch()


class ConsoleConfig(SimpleAdminConfig):
    """Django's admin with our site; its pages come with the addresses, so workers have none."""

    default = False
    default_site = "project.admin_site.ConsoleSite"

    def ready(self) -> None:
        """Register the admin's checks; the one of its pages loads them first."""
        checks.register(check_dependencies, checks.Tags.admin)
        checks.register(check_pages, checks.Tags.admin)


def check_pages(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """Django's check of the admin's pages, once they are there."""
    admin.autodiscover()
    found: list[checks.CheckMessage] = check_admin_app(app_configs, **kwargs)
    return found

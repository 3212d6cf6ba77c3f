"""The wiring as a Django app."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class ProjectConfig(AppConfig):
    """Holds nothing of its own; it is the top of the import direction."""

    name = "project"

    def ready(self) -> None:
        """Look after what the process stands on: clocks, timers, the broker."""
        from llmconfig import roles  # noqa: PLC0415 - needs apps
        from llmconfig.admin.kit.dashboard import register_widget  # noqa: PLC0415 - needs apps
        from llmconfig.roles import Role  # noqa: PLC0415 - needs apps
        from llmconfig.runtime import database_clock  # noqa: PLC0415 - needs settings
        from nodewise import timers  # noqa: F401, PLC0415 - connects its signal
        from project.access import ABOUT_PEOPLE  # noqa: PLC0415 - needs apps
        from project.overview import surroundings_widget  # noqa: PLC0415 - needs apps

        roles.give_also(Role.ADMINISTRATOR, *ABOUT_PEOPLE)
        register_widget(surroundings_widget, rank=1)
        database_clock.watch()


class ConsoleConfig(AdminConfig):
    """Django's admin with our site."""

    default = False
    default_site = "project.admin_site.ConsoleSite"

"""The wiring as a Django app."""

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    """Holds nothing of its own; it is the top of the import direction."""

    name = "project"

"""The embedded parts as a Django app: it brings the `demo` and `llm_simulator` commands."""

from django.apps import AppConfig


class EmbeddedConfig(AppConfig):
    """The Django app of the demo's commands; it has no models."""

    name = "project.embedded"
    label = "embedded"

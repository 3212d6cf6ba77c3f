"""The embedded parts as a Django app: it brings the `demo` and `llm_simulator` commands."""

from django.apps import AppConfig


class EmbeddedConfig(AppConfig):
    """Commands only; no models."""

    name = "project.embedded"
    label = "embedded"

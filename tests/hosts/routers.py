"""Routers of a host with several databases."""

from typing import Any

from django.db.models import Model


class MetricsElsewhere:
    """What a host might try: the large tables in a database of their own."""

    def db_for_write(self, model: type[Model], **hints: Any) -> str | None:
        """`other` for the metrics."""
        return "other" if model._meta.app_label == "metrics" else None

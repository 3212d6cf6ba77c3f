"""What `sync_llm_config` remembers of a row."""

from typing import Any

from django.db import models


def synced_values_field() -> "models.JSONField[Any, Any]":
    """Per field, what the last sync wrote: how it tells a change in YAML from one made here."""
    return models.JSONField(
        default=dict,
        db_default=models.Value({}, models.JSONField()),
        blank=True,
        editable=False,
    )

"""System checks: what must be right before a process starts."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from llmconfig import secrets


@register()
def field_keys_are_usable(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Without good field keys no provider's key could be read: don't start."""
    try:
        secrets.keyring()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="llmconfig.E001")]
    return []

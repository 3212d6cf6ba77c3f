"""System checks of enrichment; Django runs these with `check --database` and `migrate`."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Tags, register

from enrichment.models import FactSource
from llmconfig.checks import unreadable_references


@register(Tags.database)
def references_may_be_read(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """A source's reference that the setting doesn't allow is read no more: say so beforehand."""
    return unreadable_references(FactSource, "The source of facts", databases, id="enrichment.W001")

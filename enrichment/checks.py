"""System checks of enrichment; Django runs these with `check --database` and `migrate`."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import (  # Django's names
    CheckMessage,
    Tags,
    Warning,  # noqa: A004
    register,
)
from django.db import DatabaseError

from enrichment.models import FactSource
from llmconfig.configuration import secret_references


@register(Tags.database)
def references_may_be_read(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """A source's reference that the setting doesn't allow is read no more: say so beforehand."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        rows = FactSource.objects.using(alias).exclude(secret_ref="")
        try:
            pairs = list(rows.values_list("name", "secret_ref"))
        except DatabaseError:
            continue  # not migrated yet
        found += [
            Warning(f"The source of facts {name}: {why}", id="enrichment.W001")
            for name, reference in pairs
            if (why := secret_references.objection(reference))
        ]
    return found

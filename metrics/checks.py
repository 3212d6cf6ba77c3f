"""System checks of metrics; Django runs these with `check --database` and `migrate`."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Tags, Warning, register  # noqa: A004 - Django's name

from metrics import partitions
from metrics.errors import PartitionsUnusable


@register(Tags.database)
def partitions_are_ahead(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """A month without a partition refuses every record: say so while there is time."""
    try:
        return [
            Warning(alarm, id="metrics.W001")
            for alias in databases or ()
            for alarm in partitions.alarms(using=alias)
        ]
    except PartitionsUnusable:
        return []  # not migrated yet

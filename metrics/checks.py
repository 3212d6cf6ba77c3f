"""System checks of metrics; Django runs these with `check --database` and `migrate`."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import (  # Django's names
    CheckMessage,
    Error,
    Tags,
    Warning,  # noqa: A004
    register,
)
from django.utils.module_loading import import_string

from llmconfig import project_settings
from llmconfig.checks import ours_in
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
            for alias in ours_in(databases)
            for alarm in partitions.alarms(using=alias)
        ]
    except PartitionsUnusable:
        return []  # not migrated yet


@register()
def compliance_can_be_judged(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """A path that leads nowhere would be noticed only in a worker."""
    path = project_settings.onex_check()
    try:
        usable = not path or callable(import_string(path))
    except ImportError:
        usable = False
    if usable:
        return []
    return [Error(f"LLM_ONEX_CHECK: {path!r} is no function's dotted path.", id="metrics.E001")]

"""enrichment: models over every row of a table."""

from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EnrichmentConfig(AppConfig):
    """The Django app; it needs metrics and llmconfig to be installed."""

    name = "enrichment"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = _("Enrichment")
    default_target = ""  # an app with one main table sets it when it is ready

    def ready(self) -> None:
        """Tell metrics which checks, events and prompts of ours there are."""
        from enrichment import alerts, quality_report  # noqa: PLC0415 - after the registry is ready
        from enrichment import checks as own_checks  # noqa: F401, PLC0415 - registers on import
        from enrichment.process_settings import DEFINITIONS  # noqa: PLC0415
        from llmconfig.client.pipeline import cascades  # noqa: PLC0415
        from llmconfig.configuration import (  # noqa: PLC0415
            cascade_rules,
            cost_of_changes,
            process_settings,
            snapshot,
        )
        from metrics.alerts import events  # noqa: PLC0415
        from metrics.analyzers import savings  # noqa: PLC0415
        from metrics.patterns import sources  # noqa: PLC0415
        from metrics.quality import checks  # noqa: PLC0415

        process_settings.register(*DEFINITIONS)
        snapshot.register_part("enrichments", _declared)
        for check in (quality_report.GATES, quality_report.SCHEMA):
            checks.register(check)
        sources.register(_prompts)
        events.register(*alerts.KINDS)
        cascades.register(_steer)
        cascade_rules.register(_problem_of_cascade)
        savings.register(_savings_by_cascades)
        cost_of_changes.register_quality_teller(_quality_of_change)


def _prompts() -> Any:
    """Our prompts; what knows them comes with the first proposal."""
    from enrichment.prompts.prompt_proposals import PROMPTS  # noqa: PLC0415 - it brings the gates

    return PROMPTS


async def _steer(call: Any, facts: Any, ask: Any) -> Any:
    """Answer a single call of a node with a cascade; what does comes with the first one."""
    from enrichment.call_cascades.steering import steer  # noqa: PLC0415 - it brings the engine

    return await steer(call, facts, ask)


def _problem_of_cascade(node: str, state: Any) -> Any:
    from enrichment.batches.cascade_checks import problem_of  # noqa: PLC0415 - as above

    return problem_of(node, state)


def _savings_by_cascades(since: Any, until: Any) -> Any:
    from enrichment.cascade_savings import savings_by_cascades  # noqa: PLC0415 - as above

    return savings_by_cascades(since, until)


def _quality_of_change(node: str, before: str, after: str) -> str:
    from enrichment.evaluations.known_quality import quality_of_change  # noqa: PLC0415 - as above

    return quality_of_change(node, before, after)


def _declared() -> Any:
    """What administrators have declared; where that is nothing, what enriches isn't imported."""
    from enrichment.models.declared import declared_rows  # noqa: PLC0415 - models come after this

    rows = declared_rows()
    if not rows:
        return None
    from enrichment.enrichments import declared  # noqa: PLC0415 - it brings what calls models

    return declared.read(rows)

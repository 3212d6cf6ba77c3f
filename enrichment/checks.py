"""System checks of enrichment: what declared enrichments can't do, and what sources may not read.

Those of the database run with `check --database` and `migrate`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.apps import AppConfig
from django.core.checks import (  # Django's names
    CheckMessage,
    Error,
    Tags,
    Warning,  # noqa: A004
    register,
)

from enrichment.models import FactSource
from llmconfig.checks import unreadable_references

if TYPE_CHECKING:
    from enrichment.enrichments.contract import Enrichment
    from enrichment.enrichments.fitting import Misfit


@register(Tags.database)
def references_may_be_read(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """A source's reference that the setting doesn't allow is read no more: say so beforehand."""
    return unreadable_references(FactSource, "The source of facts", databases, id="enrichment.W001")


@register(Tags.models)
def enrichments_fit_their_tables(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """A registered enrichment whose table, key or columns don't do: say so before a batch does."""
    from enrichment import enrichments  # noqa: PLC0415 - it brings what calls models
    from enrichment.enrichments.fitting import misfits  # noqa: PLC0415

    return [_told(each, misfit) for each in enrichments.coded() for misfit in misfits(each)]


@register(Tags.models)
def built_in_prompts_can_be_filled(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """A prompt's name that `values` doesn't give, and a column that it takes and `reads` lacks."""
    from enrichment import enrichments  # noqa: PLC0415 - it brings what calls models
    from enrichment.enrichments.fitting import misfits  # noqa: PLC0415
    from enrichment.prompts.selection import built_in_problem  # noqa: PLC0415

    fitting = (
        each for each in enrichments.coded() if not any(one.is_fatal for one in misfits(each))
    )
    found = [(each, built_in_problem(each)) for each in fitting]
    return [
        Error(f"The enrichment {each.name!r}: {problem}", id="enrichment.E007")
        for each, problem in found
        if problem
    ]


def _told(enrichment: "Enrichment", misfit: "Misfit") -> CheckMessage:
    kind = Error if misfit.is_fatal else Warning
    text = f"The enrichment {enrichment.name!r}: {misfit.text}"
    return kind(text, hint=misfit.hint or None, id=f"enrichment.{misfit.number}")

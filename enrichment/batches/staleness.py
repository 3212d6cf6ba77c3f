"""Which rows need work, and why, as a query.

A row is compared with its newest result that stands: was it made from the present input, by the
prompt in force, by a model that would answer now? One index lookup a row answers all of it.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

from django.db.models import (
    Case,
    CharField,
    Exists,
    Expression,
    F,
    Func,
    IntegerField,
    JSONField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.fields.json import KT
from django.db.models.functions import MD5, Cast, Coalesce

from enrichment.batches import cascades
from enrichment.enrichments.contract import Enrichment
from enrichment.facts.questions import Source
from enrichment.models import EnrichmentResult, Fact, FactSource, ResultState
from enrichment.prompts.selection import TriedPrompt, versions_in_force
from llmconfig.configuration import snapshot
from llmconfig.configuration.resolution import resolve
from llmconfig.errors import LLMError


class Reason(StrEnum):
    """Why a row needs work, the strongest first; FRESH: it doesn't."""

    NEVER = "never"  # never done, or failed whenever it was tried
    UNDONE = "undone"  # done, and taken back by a person
    INPUT = "input"  # the row says something else by now
    PROMPT = "prompt"  # another prompt is in force for its organization
    FACTS = "facts"  # a source has said something else since
    MODEL = "model"  # none of the models in force made it
    FRESH = "fresh"


# What a batch takes unless told otherwise: a new prompt or model is no reason to pay for all again.
DEFAULT_REASONS = frozenset({Reason.NEVER, Reason.UNDONE, Reason.INPUT})
ALL_REASONS = frozenset(Reason) - {Reason.FRESH}


def input_hash(fields: Sequence[str]) -> Expression:
    """MD5 over the fields as PostgreSQL prints them; one definition for lists and for results."""
    values = Func(
        *(F(field) for field in fields), function="jsonb_build_array", output_field=JSONField()
    )
    return MD5(Cast(values, TextField()))


def asked_with(columns: Sequence[str]) -> Expression:
    """The same over the columns that a source of facts is asked with."""
    return input_hash(columns)


def with_staleness(
    enrichment: Enrichment, *, variant: str = "", draft: TriedPrompt | None = None
) -> "QuerySet[Any]":
    """All rows of the table with `nodewise_stale`, one of the reasons.

    No table has columns of such names. A `draft` is taken for the prompt in force.
    """
    sources = _sources(enrichment)
    rows = enrichment.rows().annotate(
        nodewise_hash=input_hash(enrichment.reads),
        nodewise_prompt=_prompt_in_force(enrichment, draft),
        **{each.placeholder: asked_with(each.columns) for each in sources},
    )
    newest = (
        _with_facts(sources)
        .filter(
            enrichment=enrichment.name,
            target=enrichment.target,
            row_id=Cast(OuterRef("pk"), CharField()),
            variant=variant,
        )
        .exclude(state=ResultState.FAILED)
        .order_by("-id")
        .values(why=_reason(enrichment, sources))
    )
    why = Coalesce(Subquery(newest[:1]), Value(Reason.NEVER.value))
    told: QuerySet[Any] = rows.annotate(nodewise_stale=why)
    return told


def stale_rows(
    enrichment: Enrichment,
    *,
    variant: str = "",
    reasons: Iterable[Reason] = DEFAULT_REASONS,
    draft: TriedPrompt | None = None,
) -> "QuerySet[Any]":
    """Rows that need work for one of these reasons, with a `draft` as the prompt in force."""
    wanted = [reason.value for reason in reasons]
    rows = with_staleness(enrichment, variant=variant, draft=draft)
    return rows.filter(nodewise_stale__in=wanted)


def _sources(enrichment: Enrichment) -> list[Source]:
    """Those that results may have been made with; a source that is off changes nothing."""
    if not enrichment.takes_facts:
        return []
    rows = FactSource.objects.filter(target=enrichment.target, is_enabled=True)
    return [Source.of(row) for row in rows]


def _with_facts(sources: Sequence[Source]) -> "QuerySet[EnrichmentResult]":
    """Results with what each source was asked with, where its answer is kept, and its hash."""
    wanted = {
        f"{part}_{each.name}": KT(f"facts__{each.name}__{part}")
        for each in sources
        for part in ("row", "key", "value")
    }
    return EnrichmentResult.objects.annotate(**wanted)


def _reason(enrichment: Enrichment, sources: Sequence[Source]) -> Case:
    """Inside the lookup of the newest result, so that it is made once for each row."""
    found = [
        When(state=ResultState.UNDONE, then=Value(Reason.UNDONE.value)),
        When(~Q(input_hash=OuterRef("nodewise_hash")), then=Value(Reason.INPUT.value)),
        *(
            When(
                Q(**{f"row_{each.name}__isnull": False})
                & ~Q(**{f"row_{each.name}": OuterRef(each.placeholder)}),
                then=Value(Reason.INPUT.value),
            )
            for each in sources
        ),
        # Nothing was said and nobody answered.
        When(state=ResultState.SKIPPED, then=Value(Reason.FRESH.value)),
        When(
            Q(prompt_version__isnull=True) | ~Q(prompt_version=OuterRef("nodewise_prompt")),
            then=Value(Reason.PROMPT.value),
        ),
    ]
    found += [
        When(
            Exists(
                Fact.objects.filter(key=OuterRef(f"key_{each.name}")).exclude(
                    value_hash=OuterRef(f"value_{each.name}")
                )
            ),
            then=Value(Reason.FACTS.value),
        )
        for each in sources
    ]
    models = _models_in_force(enrichment)
    if models:
        found.append(When(~Q(model_used__in=models), then=Value(Reason.MODEL.value)))
    return Case(*found, default=Value(Reason.FRESH.value), output_field=CharField())


def _prompt_in_force(enrichment: Enrichment, draft: TriedPrompt | None) -> Expression:
    """The version for a row: its organization's own, else the default one."""
    versions = versions_in_force(enrichment, draft=draft)
    default = Value(versions.pop(None), output_field=IntegerField())
    if not versions or not enrichment.organization_field:
        return default
    own = (
        When(**{enrichment.organization_field: organization}, then=Value(version))
        for organization, version in versions.items()
    )
    return Case(*own, default=default, output_field=IntegerField())


def _models_in_force(enrichment: Enrichment) -> list[str]:
    """The ids of the models that may answer now; none when that can't be told.

    A fallback's answer is as good as any, and so is that of a cascade's cheaper model. While an
    experiment runs at the node, so is each arm's.
    """
    configuration = snapshot.current()
    if enrichment.node in configuration.experiments:
        return []
    try:
        found = resolve(enrichment.node, snapshot=configuration)
    except LLMError:
        return []
    cascade = cascades.terms_of(enrichment)
    cheap = cascade.models if cascade is not None and not cascade.rests else ()
    return [*(target.model_id for target in found.targets), *cheap]

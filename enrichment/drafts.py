"""A wording before it is in use: how it reads for a row, and what it would make stale."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext
from msgspec import Struct

from enrichment.batches import creation
from enrichment.batches.creation import Selection
from enrichment.batches.staleness import Reason, stale_rows
from enrichment.engine.items import load_items
from enrichment.enrichments.contract import Enrichment
from enrichment.errors import BadSelection
from enrichment.facts import source_rules
from enrichment.forecast import Forecast, forecast
from enrichment.models import EnrichmentResult, Prompt
from enrichment.prompts.selection import BUILT_IN, UNSAVED, TriedPrompt, compile_prompt

MAX_TRIED = 10
MAX_LANGUAGES = 20


class FilledPrompt(Struct, frozen=True):
    """The messages for one row, role and text each; `reason` says why it would not be asked."""

    row_id: str
    name: str
    messages: tuple[tuple[str, str], ...]
    reason: str


class Redoing(Struct, frozen=True):
    """What putting a wording into use means: `stale` rows were made with another prompt, `already`
    of them are so today; `forecast` is of asking about all of them, None where there are none.
    """

    stale: int
    already: int
    forecast: Forecast | None


def draft_of(
    enrichment: Enrichment, *, system: str, user: str, organization_id: int | None = None
) -> TriedPrompt:
    """The wording, with its number where it is a version already; raises BadPrompt."""
    text = enrichment.prompt
    built_in = (system, user) == (text.system, text.user)
    saved = Prompt.objects.filter(enrichment=enrichment.name, system=system, user=user)
    newest = saved.values_list("version", flat=True).order_by("-version").first()
    version = newest or (BUILT_IN if built_in else UNSAVED)
    prompt = compile_prompt(
        enrichment, system=system, user=user, version=version,
        facts=source_rules.offered(enrichment),
    )  # fmt: skip
    return TriedPrompt(prompt, organization_id)


def filled(
    enrichment: Enrichment, draft: TriedPrompt | None, *, row_id: str = "", variant: str = ""
) -> FilledPrompt:
    """The messages for the row with this key, or for the first one, by the draft, else by the
    prompt in use; raises BadSelection.
    """
    key = row_id or _first_key(enrichment)
    rows = enrichment.rows().filter(pk=enrichment.checked_key(key))
    row = rows.first()
    if row is None:
        raise BadSelection(
            gettext("row: {target} has no row {key}.").format(target=enrichment.target, key=key),
            field="row",
        )
    # Whosever row it is.
    given = TriedPrompt(draft.prompt, _organization(enrichment, rows)) if draft else None
    item = next(load_items(enrichment, [str(row.pk)], variant=variant, draft=given))
    messages = item.prompt.messages(item.values) if item.prompt and item.values else []
    told = tuple((str(each["role"]), str(each["content"])) for each in messages)
    return FilledPrompt(str(row.pk), str(row), told, item.reason)


def redoing(enrichment: Enrichment, draft: TriedPrompt, *, variants: Sequence[str]) -> Redoing:
    """How many rows it would make stale, and a forecast of redoing them.

    Raises what a forecast raises, llmconfig's ConfigurationError among it.
    """
    reasons = frozenset({Reason.PROMPT})
    for variant in variants:
        creation.check_variant(enrichment, variant)
    stale, already = (
        sum(
            stale_rows(enrichment, variant=variant, reasons=reasons, draft=given).count()
            for variant in variants
        )
        for given in (draft, None)
    )
    if not stale:
        return Redoing(stale, already, None)
    selection = Selection(stale=reasons, variants=tuple(variants), draft=draft)
    return Redoing(stale, already, forecast(enrichment.name, selection))


def languages(enrichment: Enrichment) -> list[str]:
    """Those that there are results in, by its newest; a blank one where it has no languages."""
    if not enrichment.by_variant:
        return [""]
    newest = EnrichmentResult.objects.filter(enrichment=enrichment.name).order_by("-id")
    seen = newest.values_list("variant", flat=True)[:1000]
    return sorted(set(seen))[:MAX_LANGUAGES]


def _first_key(enrichment: Enrichment) -> str:
    row = enrichment.rows().order_by("pk").values_list("pk", flat=True).first()
    if row is None:
        raise BadSelection(
            gettext("row: {target} has no rows yet.").format(target=enrichment.target), field="row"
        )
    return str(row)


def _organization(enrichment: Enrichment, rows: "QuerySet[Any]") -> int | None:
    column = enrichment.organization_field
    return rows.values_list(column, flat=True).first() if column else None

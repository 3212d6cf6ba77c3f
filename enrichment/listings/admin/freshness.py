"""Filters of the listings' page, and the state of each enrichment on a listing's own page."""

from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from enrichment.admin.freshness import WORDS, StateFilter
from enrichment.batches.staleness import Reason, with_staleness
from enrichment.enrichments import get
from enrichment.listings.models import Animal
from llmconfig.admin.kit.presentation import badge, in_a_line


class CleanedFilter(StateFilter):
    """Filters listings by whether their cleaned description is fresh."""

    title = _("cleaned description")
    parameter_name = "cleaned"
    enrichment = "description_cleaning"
    column = "enriched_description"


class ProfileFilter(StateFilter):
    """Filters listings by whether their personality profile is fresh."""

    title = _("profile")
    parameter_name = "profile"
    enrichment = "dog_profiler"
    column = "dog_profiler_data"


class TranslationFilter(StateFilter):
    """Filters listings by whether they have a fresh translation, in any language."""

    title = _("translation")
    parameter_name = "translated"
    enrichment = "translation"
    column = "translations"


class TagsFilter(StateFilter):
    """Filters listings by whether their tags are fresh."""

    title = _("tags")
    parameter_name = "tagged"
    enrichment = "tagging"
    column = "tags"


def states(animal: Animal) -> list[tuple[str, SafeString]]:
    """Each enrichment of a listing, a line for each language it has, and its state in words."""
    wanted = [(name, "") for name in ("description_cleaning", "dog_profiler", "tagging")]
    wanted += [("entity_extraction", "")]
    wanted += [("translation", code) for code in sorted(animal.translations or {})]
    shown = []
    for name, variant in wanted:
        enrichment = get(name)
        row = (
            with_staleness(enrichment, variant=variant)
            .filter(pk=animal.pk)
            .values_list("nodewise_stale")
        )
        reason = Reason(row[0][0])
        tone = {Reason.FRESH: "good", Reason.NEVER: "plain"}.get(reason, "warning")
        label = f"{enrichment.label}: {variant}" if variant else enrichment.label
        shown.append((label, badge(in_a_line(WORDS[reason]), tone)))
    return shown

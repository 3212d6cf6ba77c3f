"""What the demo tells at its end: listings before and after, coverage, calls and cost."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.db.models import Count, Q, Sum
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from enrichment.enrichments import get
from enrichment.enrichments.contract import Enrichment
from enrichment.listings.enrichments.dog_profiler import DogProfiler
from enrichment.listings.enrichments.translation import Translation
from enrichment.listings.models import Animal
from enrichment.listings.statistics import statistics
from enrichment.models import EnrichmentResult, ResultState
from enrichment.quality.gates import FINDING_CODES
from enrichment.review import queue
from llmconfig.configuration.known_costs import KnownCost
from metrics.models import GenerationMetric

SHOWN = 3
LONGEST = 420


def show(
    console: Console, ids: Sequence[int], *, language: str, speaker: str, seconds: float
) -> None:
    """Print two or three listings and the figures; a blank language: nothing was translated."""
    enriched = Animal.objects.filter(pk__in=ids, enriched_description__isnull=False)
    for animal in enriched.exclude(description="").order_by("pk")[:SHOWN]:
        console.print(Panel(_listing(animal, language), title=animal.name, title_align="left"))
    console.print(_figures(seconds))
    console.print(waiting(ids), soft_wrap=True)
    console.print(Text.assemble(("Who spoke: ", "bold"), speaker))


def waiting(ids: Sequence[int]) -> Text:
    """What of these listings waits for a reviewer, by enrichment, and why, the commonest first."""
    found = queue().filter(target=Animal._meta.label, row_id__in=list(map(str, ids)))  # noqa: SLF001 - Django's documented name
    results = list(found)
    if not results:
        return Text("Nothing waits for review: all of it passed the gates.")
    counts = Counter(get(each.enrichment).label for each in results)
    reasons = Counter(code for each in results for code in _codes(each))
    return Text.assemble(
        ("Waits for review: ", "bold"),
        ", ".join(f"{label} {number}" for label, number in counts.most_common()),
        f" of {len(ids)} listings, whole or in part. Why: ",
        ", ".join(f"{_label(code)} ({number})" for code, number in reasons.most_common(SHOWN)),
        ". Admin → Batches → Review shows each beside its source.",
    )


def _codes(result: EnrichmentResult) -> set[str]:
    return {each["code"] for each in result.findings or ()}


def _label(code: str) -> str:
    known = FINDING_CODES.get(code)
    return str(known.label).lower() if known else code


def _listing(animal: Animal, language: str) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    shown = {
        "before": animal.description,
        "after": animal.enriched_description,
        "profile": _profile(animal.dog_profiler_data) or _suggested(animal, DogProfiler),
    }
    if language:
        translated = (animal.translations or {}).get(language)
        shown[language] = translated or _suggested(animal, Translation, language)
    for label, text in shown.items():
        table.add_row(label, Text(_short(text or "")))  # Text: a model's words are no markup
    return table


def _profile(profile: Any) -> str:
    """Its sentences and traits, as far as it has them; blank when there is none."""
    if not isinstance(profile, dict):
        return ""
    traits = ", ".join(map(str, profile.get("personality_traits", [])))
    parts = (profile.get("tagline"), profile.get("bio"), traits and f"[{traits}]")
    return " ".join(str(part) for part in parts if part)


def _suggested(animal: Animal, enrichment: type[Enrichment], variant: str = "") -> str:
    """What waits for a reviewer instead of being applied, and why."""
    held = EnrichmentResult.objects.filter(
        enrichment=enrichment.name,
        row_id=str(animal.pk),
        variant=variant,
        state=ResultState.SUGGESTED,
    ).first()
    if held is None:
        return ""
    return f"[not applied, waits for review: {held.reason}] {_profile(held.value) or held.value}"


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _figures(seconds: float) -> Table:
    covered = statistics()
    calls = GenerationMetric.objects.aggregate(
        calls=Count("pk"),
        tokens=Sum("tokens_total"),
        cost=Sum("cost_usd"),
        unpriced=Count("pk", filter=Q(cost_usd=None)),
    )
    table = Table(
        "listings", "cleaned", "profiles", "translated", "calls", "tokens", "cost", "time"
    )
    table.add_row(
        f"{covered.total_animals:,}",
        f"{covered.enriched_descriptions:,} ({covered.enrichment_coverage} %)",
        f"{covered.dog_profiles:,} ({covered.profile_coverage} %)",
        f"{covered.with_translations:,} ({covered.translation_coverage} %)",
        f"{calls['calls']:,}",
        f"{calls['tokens'] or 0:,}",
        str(KnownCost.of(calls["cost"], calls["unpriced"])),
        f"{seconds:.0f} s",
    )
    return table

"""What a batch's page shows of its cascade: what went where, what is promised, what was saved."""

from collections.abc import Mapping
from typing import Any

from enrichment.batches.cascades import AT_PROVIDER, CascadeFigures, figures_of, terms_of
from enrichment.cascades.steering import Phase, Way
from enrichment.enrichments import get
from enrichment.errors import UnknownEnrichment
from enrichment.models import Batch, Transport
from llmconfig.admin.kit.presentation import count
from llmconfig.configuration.known_costs import money


def cascade_section(batch: Batch) -> dict[str, Any] | None:
    """The section's parts; None where the batch has no cascade."""
    found = figures_of(batch)
    if found is None:
        return _left_to_provider(batch)
    return {
        "model": found.model,
        "said": found.said,
        "figures": _figures(found) if found.rows else [],
        "events": [_event(each) for each in found.events],
    }


def _left_to_provider(batch: Batch) -> dict[str, Any] | None:
    """No lane has begun it: the rows are with the provider, whose batches know no cascade."""
    if batch.transport == Transport.LIVE:
        return None
    try:
        terms = terms_of(get(batch.enrichment))
    except UnknownEnrichment:
        return None
    if terms is None:
        return None
    return {"model": terms.facts.model, "said": AT_PROVIDER, "figures": [], "events": []}


def _figures(found: CascadeFigures) -> list[tuple[str, str]]:
    shown = [
        ("rows kept its answer", count(found.kept)),
        ("calls of the node's own model", count(found.dear_calls)),
        ("good answers were audited", count(found.audited)),
        ("of these differed", count(found.caught)),
        ("wanted agreement", f"{found.target:.1%}"),
    ]
    if found.kept:
        sure = f"kept rows differ at most ({1 - found.miss:.0%} sure)"
        shown.append((sure, count(found.differ_at_most)))
    if found.threshold is not None:
        shown.append(("score from which on answers are kept", f"{found.threshold:.3f}"))
    if found.saved_usd is not None:
        saved = found.saved_usd
        shown.append(("saved", money(saved)) if saved >= 0 else ("it cost more", money(-saved)))
    return shown


def _event(event: Mapping[str, Any]) -> str:
    after = f"After {count(event['rows'])} rows: "
    if event["drift"]:
        return f"{after}newer rows were right more or less often than before, so it learned anew."
    if event["phase"] == Phase.KEEPING:
        return f"{after}it kept cheap answers from a score of {event['threshold']:.3f} on."
    if event["phase"] == Phase.STOPPED:
        return f"{after}it stopped, as audits had caught too many wrong answers."
    return f"{after}it ended, as the scores told too little to pay."


def cascade_in_words(decided: Mapping[str, Any] | None) -> str:
    """How a row went through: whose answer it has, the score, whether both agreed."""
    if decided is None:
        return "none"
    asked = f"{decided['model']} was asked first and scored {decided['score']:.3f}"
    if decided["way"] == Way.CHEAP:
        return f"{asked}: its answer was kept."
    agreed = {True: ", and agreed", False: ", and differed", None: ""}[decided["agrees"]]
    audit = "as an audit" if decided["way"] == Way.AUDIT else "for certainty"
    return f"{asked}; the node's own model answered {audit}{agreed}."

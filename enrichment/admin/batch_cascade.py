"""What a batch's page shows of its cascade: what went where, what is promised, what was saved."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext

from enrichment.batches.cascades import CascadeFigures, figures_of
from enrichment.cascades.steering import Phase, Way
from enrichment.models import Batch
from llmconfig.admin.kit.presentation import count
from llmconfig.configuration.known_costs import money


def cascade_section(batch: Batch) -> dict[str, Any] | None:
    """The section's parts; None where the batch has no cascade."""
    found = figures_of(batch)
    if found is None:
        return None
    return {
        "model": found.model,
        "said": found.said,
        "figures": _figures(found) if found.rows else [],
        "events": [_event(each) for each in found.events],
    }


def _figures(found: CascadeFigures) -> list[tuple[str, str]]:
    shown = [
        (gettext("rows kept its answer"), count(found.kept)),
        (gettext("calls of the node's own model"), count(found.dear_calls)),
        (gettext("good answers were audited"), count(found.audited)),
        (gettext("of these differed"), count(found.caught)),
        (gettext("wanted agreement"), f"{found.target:.1%}"),
    ]
    if found.kept:
        sure = gettext("kept rows differ at most ({share} sure)").format(
            share=f"{1 - found.miss:.0%}"
        )
        shown.append((sure, count(found.differ_at_most)))
    if found.threshold is not None:
        shown.append((gettext("score from which on answers are kept"), f"{found.threshold:.3f}"))
    if found.saved_usd is not None:
        saved = found.saved_usd
        shown.append(
            (gettext("saved"), money(saved))
            if saved >= 0
            else (gettext("it cost more"), money(-saved))
        )
    return shown


def _event(event: Mapping[str, Any]) -> str:
    if event["drift"]:
        told = gettext(
            "After {rows} rows: newer rows were right more or less often than before, so it"
            " learned anew."
        )
    elif event["phase"] == Phase.KEEPING:
        told = gettext("After {rows} rows: it kept cheap answers from a score of {threshold} on.")
    elif event["phase"] == Phase.STOPPED:
        told = gettext(
            "After {rows} rows: it stopped, as audits had caught too many wrong answers."
        )
    else:
        told = gettext("After {rows} rows: it ended, as the scores told too little to pay.")
    threshold = event.get("threshold")
    shown = "" if threshold is None else f"{threshold:.3f}"
    return told.format(rows=count(event["rows"]), threshold=shown)


def cascade_in_words(decided: Mapping[str, Any] | None) -> str:
    """How a row went through: whose answer it has, the score, whether both agreed."""
    if decided is None:
        return gettext("none")
    if decided["way"] == Way.CHEAP:
        told = gettext("{model} was asked first and scored {score}: its answer was kept.")
    elif decided["way"] == Way.AUDIT:
        told = {
            True: gettext(
                "{model} was asked first and scored {score}; the node's own model answered as an"
                " audit, and agreed."
            ),
            False: gettext(
                "{model} was asked first and scored {score}; the node's own model answered as an"
                " audit, and differed."
            ),
            None: gettext(
                "{model} was asked first and scored {score}; the node's own model answered as an"
                " audit."
            ),
        }[decided["agrees"]]
    else:
        told = {
            True: gettext(
                "{model} was asked first and scored {score}; the node's own model answered for"
                " certainty, and agreed."
            ),
            False: gettext(
                "{model} was asked first and scored {score}; the node's own model answered for"
                " certainty, and differed."
            ),
            None: gettext(
                "{model} was asked first and scored {score}; the node's own model answered for"
                " certainty."
            ),
        }[decided["agrees"]]
    return told.format(model=decided["model"], score=f"{decided['score']:.3f}")

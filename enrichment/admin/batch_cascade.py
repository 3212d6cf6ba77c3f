"""What pages show of a cascade: what went where, what is promised, what was saved."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext

from enrichment.batches.cascades import CascadeFigures
from enrichment.cascades.savings import CascadeSaving
from enrichment.cascades.steering import Phase, Way
from llmconfig.configuration.known_costs import money
from llmconfig.configuration.numbers import count, decimal, percent


def cascade_section(found: CascadeFigures | None) -> dict[str, Any] | None:
    """The section's parts; None where there is no cascade."""
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
        (gettext("calls of the cheaper model"), count(found.cheap_calls)),
        (gettext("calls of the node's own model"), count(found.dear_calls)),
        (gettext("good answers were audited"), count(found.audited)),
        (gettext("of these differed"), count(found.caught)),
        (gettext("wanted agreement"), percent(found.target, 1)),
    ]
    if found.kept:
        sure = gettext("of kept answers differ at most ({share} confidence)").format(
            share=percent(1 - found.miss)
        )
        shown.append((sure, count(found.differ_at_most)))
    if found.threshold is not None:
        shown.append((gettext("score from which answers are kept"), decimal(found.threshold, 3)))
    if found.cheap_usd is not None:
        shown.append((gettext("cost of the cheaper model"), money(found.cheap_usd)))
    if found.dear_usd is not None:
        shown.append((gettext("cost of the node's own model"), money(found.dear_usd)))
    saved = found.saving
    if saved.usd is not None:
        shown.append((saved_or_more(saved), money(abs(saved.usd))))
    return shown


def saved_or_more(saving: CascadeSaving) -> str:
    """What the figure is, with the range that holds in 8 of 10 cases where it is known."""
    less = (saving.usd or 0) < 0
    low, high = saving.low_usd, saving.high_usd
    if low is None or high is None or low == high:
        return gettext("extra cost") if less else gettext("saved")
    if less:
        return gettext("extra cost, {low} to {high} (8 in 10)").format(
            low=money(-high), high=money(-low)
        )
    return gettext("saved, {low} to {high} (8 in 10)").format(low=money(low), high=money(high))


def _event(event: Mapping[str, Any]) -> str:
    if event["drift"]:
        told = gettext("After {rows} rows: accuracy had changed, so it started learning again.")
    elif event["phase"] == Phase.KEEPING:
        told = gettext(
            "After {rows} rows: it began to keep cheap answers with a score of at least "
            "{threshold}."
        )
    elif event["phase"] == Phase.STOPPED:
        told = gettext("After {rows} rows: it stopped, as audits had found too many wrong answers.")
    else:
        told = gettext(
            "After {rows} rows: it ended, as scores separated good from bad answers too poorly "
            "to save money."
        )
    threshold = event.get("threshold")
    shown = "" if threshold is None else decimal(threshold, 3)
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
    return told.format(model=decided["model"], score=decimal(decided["score"], 3))

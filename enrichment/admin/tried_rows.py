"""A trial's rows as pages show them: what is there beside what the model says now."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from enrichment.admin.finding_words import in_words
from enrichment.admin.review_values import compared, readable
from enrichment.enrichments.contract import Enrichment
from enrichment.models import ResultState
from enrichment.trial import TriedRow
from llmconfig.admin.kit.pages import row_page
from llmconfig.admin.kit.presentation import badge
from llmconfig.configuration.known_costs import KnownCost, money, total

OUTCOMES = {
    ResultState.APPLIED: (gettext_lazy("would be written"), "good"),
    ResultState.SUGGESTED: (gettext_lazy("would wait for review"), "warning"),
    ResultState.FAILED: (gettext_lazy("failed"), "danger"),
}


def shown_trial(enrichment: Enrichment, rows: Sequence[TriedRow]) -> dict[str, Any]:
    """The context of `nodewise/batch_trial.html`."""
    costs = (KnownCost.of(each.cost_usd, each.cost_usd is None) for each in rows)
    return {
        "trial": [_tried_row(enrichment, row) for row in rows],
        "trial_cost": str(total(costs)),
        "tried": True,
    }


def _tried_row(enrichment: Enrichment, row: TriedRow) -> dict[str, Any]:
    before, after = readable(row.before), readable(row.after)
    # A translation, or a profile, has few words in common with what it was made from.
    alike = row.has_value or not (enrichment.by_variant or enrichment.schema)
    left, right = compared(before, after) if alike and after else (before, after)
    said, tone = OUTCOMES.get(row.state, (row.state.label.lower(), "plain"))
    return {
        "name": row.name or row.row_id,
        "page": row_page(enrichment.model(), row.row_id),
        "title": _("Current value") if row.has_value else _("Source"),
        "before": left,
        "after": right,
        "state": badge(said, tone),
        "cost": money(row.cost_usd),
        "reason": in_words(row.reason, row.findings),
    }

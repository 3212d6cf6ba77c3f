"""Cascades of single calls: each node's window, and what its audits found."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from enrichment.batches.cascades import PHASES
from enrichment.cascades.steering import from_json
from enrichment.cascades.tallies import lowest_score
from enrichment.models import CallCascade
from llmconfig.admin.kit.writes import ReadOnlyAdmin


@admin.register(CallCascade)
class CallCascadeAdmin(ReadOnlyAdmin):
    """What the single calls of nodes with a cascade have taught."""

    list_display = ("node", "now", "threshold", "kept", "audited", "caught", "updated_at")
    fields = (
        "node", "terms", "now", "threshold", "window", "calls", "kept", "audited", "caught",
        "updated_at",
    )  # fmt: skip
    readonly_fields = fields
    show_full_result_count = False

    @admin.display(description=_("State"))
    def now(self, row: CallCascade) -> str:
        """What it does with the next call."""
        return PHASES[from_json(row.state).phase]

    @admin.display(description=_("score from which on answers are kept"))
    def threshold(self, row: CallCascade) -> str:
        """Blank while none are."""
        lowest = lowest_score(from_json(row.state).threshold)
        return "" if lowest is None else f"{lowest:.3f}"

    @admin.display(description=_("calls in this window"))
    def calls(self, row: CallCascade) -> int:
        """Those that were settled."""
        return from_json(row.state).settled

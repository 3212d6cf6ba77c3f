"""Which rows have what, and whether it is up to date: the lists' filters and a row's own page."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from enrichment.batches.staleness import Reason, with_staleness
from enrichment.enrichments import get

HAS_ONE, MISSING = "yes", "no"
# In the order of the filter, what needs no work first.
WORDS = {
    Reason.FRESH: _("Up to date"),
    Reason.NEVER: _("Not enriched yet, or failed"),
    Reason.UNDONE: _("Undone by a person"),
    Reason.INPUT: _("The row has changed"),
    Reason.PROMPT: _("The prompt has changed"),
    Reason.FACTS: _("Its facts have changed"),
    Reason.MODEL: _("The model has changed"),
}


class StateFilter(admin.SimpleListFilter):
    """By what an enrichment has written, and by why it is stale."""

    enrichment = ""
    column = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Whether there is one; and for enrichments without languages, its state."""
        present = [(HAS_ONE, gettext("Has one")), (MISSING, gettext("Still missing"))]
        if get(self.enrichment).by_variant:
            return present
        return present + [(reason.value, str(words)) for reason, words in WORDS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Presence by the column's NULL, which partial indexes answer; states by the results."""
        chosen = self.value()
        if chosen in {HAS_ONE, MISSING}:
            return queryset.filter(**{f"{self.column}__isnull": chosen == MISSING})
        if chosen not in set(Reason):
            return queryset
        found = with_staleness(get(self.enrichment)).filter(nodewise_stale=chosen)
        return queryset.filter(pk__in=found.values("pk"))

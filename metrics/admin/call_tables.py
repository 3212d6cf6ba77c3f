"""What the lists of calls and of their texts share. Both tables are partitioned and large.

Nothing here counts their rows, every query of a list ends in time, and a list that would take
longer says how to narrow it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from llmconfig.admin.kit.presentation import NOTHING, link
from llmconfig.admin.kit.theme import UncountedPaginator
from llmconfig.admin.kit.writes import ReadOnlyAdmin
from metrics.admin.periods import PERIOD, SINCE, UNTIL
from metrics.admin.plain_rows import PlainChangeList
from metrics.admin.viewers_zone import viewers_zone
from metrics.bounded import bounded
from metrics.errors import TookTooLong

# What a search finds behind these words and a colon.
CALLERS_WORDS: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "key": lambda word: {"account": word},
    "user": lambda word: {"end_user": word},
    "tag": lambda word: {"tags__contains": [word]},
}
SEARCH_BY_WORDS = _("or key:, user: or tag: and a value")


class CallTableAdmin(ReadOnlyAdmin):
    """The base of both tables' pages: no counting, and a search that an index serves."""

    change_list_template = "nodewise/plain_rows.html"
    paginator = UncountedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_filter_submit = True
    ordering = ("-created_at",)
    search_fields = ("method_name",)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[PlainChangeList]:
        """One whose rows are quick to draw."""
        return PlainChangeList

    @admin.display(description=_("Key or account"))
    def key(self, row: Any) -> str | SafeString:
        return self._found_by("key", [row.account])

    @admin.display(description=_("End user"))
    def served(self, row: Any) -> str | SafeString:
        """Whom the caller serves, as the caller names them."""
        return self._found_by("user", [row.end_user])

    @admin.display(description=_("Tags"))
    def tagged(self, row: Any) -> str | SafeString:
        """Each leads to the rows that have it."""
        return self._found_by("tag", row.tags or [])

    def _found_by(self, kind: str, words: Iterable[str]) -> str | SafeString:
        """Links to the list of rows with the same word."""
        meta = self.model._meta  # noqa: SLF001 - Django's documented name
        address = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
        links = (
            (link(f"{address}?{urlencode({'q': f'{kind}:{word}'})}", word),)
            for word in words
            if word
        )
        return format_html_join(" ", "{}", links) or NOTHING

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By an id, which an index finds; by a word of the caller's; else as the table has it."""
        kind, colon, word = search_term.partition(":")
        if colon and kind in CALLERS_WORDS and word:
            return queryset.filter(**CALLERS_WORDS[kind](word)), False
        try:
            wanted = UUID(search_term.strip())
        except ValueError:
            words = search_term.strip()
            return (self.by_words(request, queryset, words) if words else queryset), False
        return queryset.filter(self.by_id(wanted)), False

    def by_words(self, request: HttpRequest, queryset: QuerySet[Any], words: str) -> QuerySet[Any]:
        """What anything else in the search box finds."""
        raise NotImplementedError

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """In the reader's zone and in bounded time, or a page that says how to narrow it."""
        try:
            with timezone.override(viewers_zone(request)), bounded():
                answer = super().changelist_view(request, extra_context)
                return answer.render() if isinstance(answer, TemplateResponse) else answer
        except TookTooLong:
            return self.too_slow(request)

    def too_slow(self, request: HttpRequest) -> HttpResponse:
        """What was asked for, and ways to less of it."""
        kept = request.GET.copy()
        for name in (PERIOD, SINCE, UNTIL, "p"):
            kept.pop(name, None)
        narrower = [
            (gettext("The last 24 hours"), {"days": "1"}),
            (gettext("The last 7 days"), {"days": "7"}),
        ]
        return TemplateResponse(
            request,
            "nodewise/too_slow.html",
            {
                **admin.site.each_context(request),
                "title": str(self.opts.verbose_name_plural).capitalize(),
                "narrower": [
                    (label, f"?{urlencode([*_pairs(kept), *more.items()])}")
                    for label, more in narrower
                ],
                "sorted": "o" in request.GET,
                "unsorted": f"?{urlencode([p for p in _pairs(request.GET) if p[0] != 'o'])}",
                "searched": "text:" in request.GET.get("q", ""),
            },
        )

    def by_id(self, wanted: UUID) -> Q:
        """Which columns an id may be in."""
        return Q(correlation_id=wanted)


def _pairs(query: Any) -> list[tuple[str, str]]:
    return [(name, value) for name, values in query.lists() for value in values]

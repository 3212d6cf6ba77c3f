"""The review queue: old and new side by side, decided by mouse, thumb or keyboard."""

import difflib
import re
from typing import Any

import orjson
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString, mark_safe

from enrichment import review
from enrichment.enrichments import get, names
from enrichment.errors import EnrichmentError
from enrichment.models import EnrichmentResult
from enrichment.quality.gates import FINDING_CODES
from enrichment.review import Suggestion

SHOWN = 10
MAX_WORDS = 4_000  # a comparison takes the square of them
_PIECES = re.compile(r"\s+|[^\s]+")
VERBS = ("accept", "edit", "reject")


def readable(value: Any) -> str:
    """A value for people: texts as they are, objects and parts line by line."""
    if isinstance(value, dict):
        return "\n".join(f"{name}: {_line(each)}" for name, each in value.items())
    if isinstance(value, list):
        return "\n".join(_line(each) for each in value)
    return "" if value is None else str(value)


def _line(value: Any) -> str:
    if isinstance(value, dict):
        return " · ".join(str(each) for each in value.values())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)


def compared(old: str, new: str) -> tuple[SafeString, SafeString]:
    """Both texts, escaped, with the words that only one of them has marked."""
    before, after = _PIECES.findall(old), _PIECES.findall(new)
    if not before or not after or len(before) + len(after) > MAX_WORDS:
        return format_html("{}", old), format_html("{}", new)
    left: list[str] = []
    right: list[str] = []
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for kind, start, end, new_start, new_end in matcher.get_opcodes():
        removed, added = "".join(before[start:end]), "".join(after[new_start:new_end])
        if kind == "equal":
            left.append(format_html("{}", removed))
            right.append(format_html("{}", added))
            continue
        left.append(format_html('<del class="nw-before">{}</del>', removed) if removed else "")
        right.append(format_html('<ins class="nw-after">{}</ins>', added) if added else "")
    # Every piece was escaped by format_html above.
    return mark_safe("".join(left)), mark_safe("".join(right))  # noqa: S308


def as_it_came(result: EnrichmentResult) -> str:
    """The text of an answer that broke off; blank for others."""
    found = [each.get("data", {}).get("answer", "") for each in result.findings or ()]
    return next(filter(None, found), "")


def card(suggestion: Suggestion) -> dict[str, Any]:
    """What the page shows of one suggestion."""
    result = suggestion.result
    enrichment = get(result.enrichment)
    has_value = suggestion.current is not None
    old = readable(suggestion.current) if has_value else suggestion.source
    new = readable(suggestion.proposed)
    # A translation beside its source has no word in common with it.
    left, right = (old, new) if enrichment.by_variant and not has_value else compared(old, new)
    editable = suggestion.proposed
    if enrichment.schema is not None:
        editable = orjson.dumps(suggestion.proposed, option=orjson.OPT_INDENT_2).decode()
    return {
        "result": result,
        "label": enrichment.label,
        "confidence_source": result.confidence_source.replace("_", " "),
        "old_title": "As it is now" if has_value else "What it was made from",
        "left": left,
        "right": right,
        "editable": editable,
        "as_it_came": as_it_came(result),
        "stale": suggestion.input_changed,
        "gone": suggestion.row is None,
        "verbs": [
            (verb, reverse("admin:enrichment_review_decide", args=[result.pk, verb]))
            for verb in VERBS
        ],
    }


def queue_view(request: HttpRequest) -> HttpResponse:
    """Show one page of the results that wait for a person's decision."""
    if not request.user.has_perm("enrichment.view_enrichmentresult"):
        raise PermissionDenied
    name = request.GET.get("enrichment", "")
    chosen = name if name in names() else ""
    code = request.GET.get("code", "")
    code = code if code in FINDING_CODES else ""
    queue = review.queue(enrichment=chosen, code=code)
    page = Paginator(queue, SHOWN).get_page(request.GET.get("page"))
    kinds = [each for each in names() if get(each).in_batches]
    return TemplateResponse(
        request,
        "nodewise/review.html",
        {
            **admin.site.each_context(request),
            "title": "Review",
            "cards": [card(each) for each in review.with_rows(page.object_list)],
            "page": page,
            "chosen": chosen,
            "code": code,
            "codes": sorted((each.label, each.code) for each in FINDING_CODES.values()),
            "kinds": [(each, get(each).label) for each in kinds],
            "may_decide": request.user.has_perm("enrichment.change_enrichmentresult"),
        },
    )


def decide_view(request: HttpRequest, result_id: int, verb: str) -> HttpResponse:
    """One decision; the queue comes again, without it."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if verb not in VERBS or not request.user.has_perm("enrichment.change_enrichmentresult"):
        raise PermissionDenied
    try:
        _decide(request, result_id, verb)
    except EnrichmentError as refusal:
        messages.warning(request, str(refusal))
    given = {"enrichment": request.POST.get("chosen", ""), "code": request.POST.get("code", "")}
    kept = {
        name: value
        for name, value in given.items()
        if value in (names() if name == "enrichment" else FINDING_CODES)
    }
    query = f"?{urlencode(kept)}" if kept else ""
    return HttpResponseRedirect(reverse("admin:enrichment_review") + query)


def _decide(request: HttpRequest, result_id: int, verb: str) -> None:
    user: Any = request.user
    feedback = request.POST.get("feedback", "")[:2_000]
    if verb == "accept":
        result = review.accept(result_id, user=user, feedback=feedback)
    elif verb == "reject":
        result = review.reject(result_id, user=user, feedback=feedback)
    else:
        value = request.POST.get("value", "").replace("\r\n", "\n")
        result = review.edit_text(result_id, value, user=user, feedback=feedback)
    past = {"accept": "Accepted", "edit": "Edited and accepted", "reject": "Rejected"}[verb]
    messages.success(request, f"{past}: {result}.")


def review_urls() -> list[URLPattern]:
    """The queue's addresses, below the results'."""
    view = admin.site.admin_view
    return [
        path("review/", view(queue_view), name="enrichment_review"),
        path(
            "review/<int:result_id>/<str:verb>/",
            view(decide_view),
            name="enrichment_review_decide",
        ),
    ]

"""The review queue: old and new side by side, decided by mouse, thumb or keyboard."""

from typing import Any
from uuid import UUID

import orjson
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    QueryDict,
)
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from enrichment import review, review_many
from enrichment.admin.finding_words import by_field, in_words
from enrichment.admin.review_values import compared, field_label, fields, parts, readable
from enrichment.enrichments import get, names
from enrichment.enrichments.contract import ListedOrganizations
from enrichment.errors import EnrichmentError
from enrichment.models import EnrichmentResult
from enrichment.quality.gates import FINDING_CODES
from enrichment.review import Suggestion
from enrichment.review_many import MAX_AT_ONCE, QueueFilters, narrowed
from llmconfig.admin.kit.confirmation import ask, is_confirmed
from llmconfig.admin.kit.pages import row_page

SHOWN = 10
VERBS = ("accept", "edit", "reject")
PAST = {"accept": _("Accepted"), "edit": _("Edited and accepted"), "reject": _("Rejected")}
CONFIDENCES = (("0.5", _("below 50 %")), ("0.7", _("below 70 %")), ("0.9", _("below 90 %")))
MAX_CHOICES = 200
MAX_SKIPPED = 500  # the oldest come again beyond that
SKIPPED, LAST = "nodewise_review_skipped", "nodewise_review_last"  # in the session
CHANGE = "enrichment.change_enrichmentresult"


def as_it_came(result: EnrichmentResult) -> str:
    """The text of an answer that broke off; blank for others."""
    found = [each.get("data", {}).get("answer", "") for each in result.findings or ()]
    return next(filter(None, found), "")


def card(suggestion: Suggestion) -> dict[str, Any]:
    """What the page shows of one suggestion."""
    result, new, waiting = suggestion.result, suggestion.proposed, suggestion.waiting
    enrichment = get(result.enrichment)
    has_value = suggestion.current is not None
    shown: dict[str, Any] = {}
    if isinstance(new, list):
        shown["parts"] = parts(suggestion.current, new)
    elif isinstance(new, dict):
        why = by_field(result.findings)
        shown["fields"] = fields(suggestion.current, new, why)
    else:
        # Compared with its source where there is no value yet, but for translations, which have
        # no word in common with theirs.
        old = readable(suggestion.current) if has_value else suggestion.source
        alone = enrichment.by_variant and not has_value
        shown["left"], shown["right"] = (
            (old, readable(new)) if alone else compared(old, readable(new))
        )
    editable = new if waiting is None else waiting
    if enrichment.schema is not None:
        editable = orjson.dumps(editable, option=orjson.OPT_INDENT_2).decode()
    return shown | {
        "result": result,
        "name": suggestion.name,
        "row_url": row_page(enrichment.model(), result.row_id) if suggestion.row else "",
        "label": enrichment.label,
        "reason": in_words(result.reason, result.findings) if waiting is None else "",
        "waiting": ", ".join(_named(*pair) for pair in (waiting or {}).items()),
        "applied": ", ".join(map(field_label, result.value or ())) if waiting else "",
        "confidence_source": result.confidence_source.replace("_", " "),
        "old_title": gettext("Current value") if has_value else gettext("Source"),
        # Beside the comparison, unless it is one of its sides already.
        "source": "" if "left" in shown and not has_value else suggestion.source,
        "editable": editable,
        "as_it_came": as_it_came(result),
        "stale": suggestion.input_changed,
        "gone": suggestion.row is None,
        "verbs": [
            (verb, reverse("admin:enrichment_review_decide", args=[result.pk, verb]))
            for verb in VERBS
        ],
    }


def _named(name: str, value: Any) -> str:
    """A field that waits: of a list which members."""
    members = f" ({readable(value).replace(chr(10), ', ')})" if isinstance(value, list) else ""
    return field_label(name) + members


def asked_filters(request: HttpRequest, query: QueryDict) -> QueueFilters:
    """What an address narrows the queue by; what can't be understood narrows nothing."""
    name, code = query.get("enrichment", ""), query.get("code", "")
    below = query.get("below", "")
    try:
        batch = UUID(query.get("batch", "")) if query.get("batch") else None
    except ValueError:
        batch = None
        messages.warning(request, gettext("batch: give its whole id, as its page shows it."))
    return QueueFilters(
        enrichment=name if name in names() else "",
        code=code if code in FINDING_CODES else "",
        organization=query.get("organization", ""),
        batch=batch,
        variant=query.get("language", "")[:35],
        below=float(below) if below in dict(CONFIDENCES) else None,
        skipped=() if query.get("skipped") else request.session.get(SKIPPED, ()),
    )


def queue_view(request: HttpRequest) -> HttpResponse:
    """Show one page of the results that wait for a person's decision."""
    if not request.user.has_perm("enrichment.view_enrichmentresult"):
        raise PermissionDenied
    filters = asked_filters(request, request.GET)
    try:
        page = Paginator(narrowed(filters), SHOWN).get_page(request.GET.get("page"))
        counts = _counts(request)
    except EnrichmentError as refusal:  # an organization that isn't there
        messages.warning(request, str(refusal))
        return HttpResponseRedirect(reverse("admin:enrichment_review"))
    query = request.GET.copy()
    query.pop("page", None)
    return TemplateResponse(
        request,
        "nodewise/review.html",
        {
            **admin.site.each_context(request),
            "title": gettext("Review"),
            "cards": [card(each) for each in review.with_rows(page.object_list)],
            "page": page,
            "filters": filters,
            "query": query.urlencode(),
            "kinds": counts,
            "codes": sorted((str(each.label), each.code) for each in FINDING_CODES.values()),
            "confidences": CONFIDENCES,
            "below": request.GET.get("below", ""),
            "organizations": _organizations(),
            "languages": _languages(),
            "skipped": len(request.session.get(SKIPPED, ())),
            "shows_skipped": bool(request.GET.get("skipped")),
            "may_undo": bool(request.session.get(LAST)) and request.user.has_perm(CHANGE),
            "at_once": min(page.paginator.count, MAX_AT_ONCE),
            "may_decide": request.user.has_perm(CHANGE),
        },
    )


def _counts(request: HttpRequest) -> list[tuple[str, str, int, str]]:
    """Each kind of work: its name, label, how much of it waits, and the address that shows it."""
    everything = request.GET.copy()
    for name in ("enrichment", "page"):
        everything.pop(name, None)
    found = narrowed(asked_filters(request, everything)).order_by()
    counted = dict(found.values_list("enrichment").annotate(Count("pk")))
    kinds = [("", gettext("All"), sum(counted.values())), *(
        (name, get(name).label, counted.get(name, 0)) for name in names() if get(name).in_batches
    )]  # fmt: skip
    rows = []
    for name, label, number in kinds:
        query = everything.copy()
        if name:
            query["enrichment"] = name
        rows.append((name, label, number, f"?{query.urlencode()}"))
    return rows


def _organizations() -> list[tuple[str, str]]:
    """Those that a form can offer, of any kind of work."""
    listed = {
        type(each.organizations): each.organizations
        for each in map(get, names())
        if isinstance(each.organizations, ListedOrganizations)
    }
    return [pair for each in listed.values() for pair in each.choices(MAX_CHOICES)]


def _languages() -> list[str]:
    """The variants of what waits."""
    waiting = review.queue().exclude(variant="").order_by("variant")
    return list(waiting.values_list("variant", flat=True).distinct()[:MAX_CHOICES])


def decide_view(request: HttpRequest, result_id: int, verb: str) -> HttpResponse:
    """One decision, or a card that is left for later; the queue comes again, without it."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if verb not in (*VERBS, "skip") or not request.user.has_perm(CHANGE):
        raise PermissionDenied
    if verb == "skip":
        earlier = [each for each in request.session.get(SKIPPED, ()) if each != result_id]
        request.session[SKIPPED] = [*earlier, result_id][-MAX_SKIPPED:]
        return _back(request)
    try:
        result = _decide(request, result_id, verb)
    except EnrichmentError as refusal:
        messages.warning(request, str(refusal))
    else:
        request.session[LAST] = [result_id]
        messages.success(request, f"{PAST[verb]}: {result}.")
    return _back(request)


def _decide(request: HttpRequest, result_id: int, verb: str) -> EnrichmentResult:
    user: Any = request.user
    feedback = request.POST.get("feedback", "")[:2_000]
    if verb == "accept":
        return review.accept(result_id, user=user, feedback=feedback)
    if verb == "reject":
        return review.reject(result_id, user=user, feedback=feedback)
    value = request.POST.get("value", "").replace("\r\n", "\n")
    return review.edit_text(result_id, value, user=user, feedback=feedback)


def decide_all_view(request: HttpRequest, verb: str) -> HttpResponse:
    """Accept or reject what the filters show, once a person has said yes."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if verb not in {"accept", "reject"} or not request.user.has_perm(CHANGE):
        raise PermissionDenied
    filters = asked_filters(request, QueryDict(request.POST.get("query", "")))
    if not is_confirmed(request):
        number = min(narrowed(filters).count(), MAX_AT_ONCE)
        question, yes = _asked_of_all(verb, number)
        return ask(
            request,
            question=question.format(number=number),
            details=[
                gettext("Everything that matches the filters."),
                gettext("You can undo this right afterwards."),
            ],
            verb=yes.format(number=number),
            back=f"{reverse('admin:enrichment_review')}?{request.POST.get('query', '')}",
        )
    user: Any = request.user
    decided = review_many.decide_all(filters, verb, user=user)
    request.session[LAST] = decided.done
    messages.success(request, f"{PAST[verb]}: {len(decided.done)}.")
    if decided.refused:
        shown = " ".join(decided.refused[:3])
        messages.warning(
            request,
            ngettext(
                "{number} was left as it is. {reasons}",
                "{number} were left as they are. {reasons}",
                len(decided.refused),
            ).format(number=len(decided.refused), reasons=shown),
        )
    if decided.left:
        messages.info(
            request,
            gettext("{number} more are waiting: at most {most} at once.").format(
                number=decided.left, most=MAX_AT_ONCE
            ),
        )
    return _back(request)


def _asked_of_all(verb: str, number: int) -> tuple[str, str]:
    """The question, and the answer that says yes."""
    if verb == "accept":
        question = ngettext("Accept {number} suggestion?", "Accept {number} suggestions?", number)
        return question, gettext("Accept {number}")
    question = ngettext("Reject {number} suggestion?", "Reject {number} suggestions?", number)
    return question, gettext("Reject {number}")


def undo_view(request: HttpRequest) -> HttpResponse:
    """Take back this person's last decision, or the one of a result that the form names."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not request.user.has_perm(CHANGE):
        raise PermissionDenied
    named = request.POST.get("result", "")
    ids = [int(named)] if named.isdecimal() else request.session.pop(LAST, [])
    undone, refused = 0, []
    for each in ids:
        try:
            review.undo(each)
            undone += 1
        except EnrichmentError as refusal:
            refused.append(str(refusal))
    if undone:
        messages.success(
            request,
            gettext("Undone: {number}. They are waiting for review again.").format(number=undone),
        )
    for why in refused[:3]:
        messages.warning(request, why)
    return _back(request)


def _back(request: HttpRequest) -> HttpResponse:
    """To the queue as it was filtered."""
    query = QueryDict(request.POST.get("query", "")).urlencode()
    address = reverse("admin:enrichment_review")
    return HttpResponseRedirect(f"{address}?{query}" if query else address)


def review_urls() -> list[URLPattern]:
    """The queue's addresses, below the results'."""
    view = admin.site.admin_view
    return [
        path("review/", view(queue_view), name="enrichment_review"),
        path("review/undo/", view(undo_view), name="enrichment_review_undo"),
        path("review/all/<str:verb>/", view(decide_all_view), name="enrichment_review_all"),
        path(
            "review/<int:result_id>/<str:verb>/",
            view(decide_view),
            name="enrichment_review_decide",
        ),
    ]

"""Two runs side by side, what differs first."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from enrichment.admin.batch_cascade import cascade_in_words
from enrichment.admin.review_values import compared, readable
from enrichment.errors import EnrichmentError, NoWorkers
from enrichment.evaluations.comparison import CasePair, RunComparison, compare
from enrichment.evaluations.measures import Difference
from enrichment.evaluations.recorded import may_see
from enrichment.lane_queue import start_judging
from enrichment.models import EvaluationAnswer, EvaluationRun, ResultState
from llmconfig.configuration.numbers import count, decimal

MAY_VIEW, MAY_JUDGE = "enrichment.view_evaluationrun", "enrichment.add_evaluationrun"
PAIRS_SHOWN = 50
OTHERS_SHOWN = 20


def tried_in_words(run: EvaluationRun) -> str:
    """What a run tries, in a line."""
    prompt = "" if run.prompt_version is None else f", prompt v{run.prompt_version}"
    cascade = getattr(run, "cascade", None)  # a reverse relation, which may have no row
    if cascade is not None and not cascade.rests:
        return f"node {run.node}, {cascade.model} first{prompt}"
    return f"{run.model or f'node {run.node}'}{prompt}"


def address_of(first: EvaluationRun, second: EvaluationRun) -> str:
    """The page that compares them."""
    query = urlencode({"first": str(first.pk), "second": str(second.pk)})
    return f"{reverse('admin:enrichment_comparison')}?{query}"


def others_of(run: EvaluationRun) -> list[tuple[str, str]]:
    """Other runs over the same version, each with the address of the comparison."""
    rows = EvaluationRun.objects.filter(evaluation_set=run.evaluation_set).exclude(pk=run.pk)
    rows = rows.select_related("cascade")
    return [
        (f"{other.label or str(other.pk)[:8]}: {tried_in_words(other)}", address_of(other, run))
        for other in rows[:OTHERS_SHOWN]
    ]


def comparison_view(request: HttpRequest) -> HttpResponse:
    """The two runs that the address names; back to the list where they can't be compared."""
    if not request.user.has_perm(MAY_VIEW):
        raise PermissionDenied
    runs = [_run(request, name) for name in ("first", "second")]
    if not all(may_see(request.user, each.evaluation_set) for each in runs):
        raise PermissionDenied
    try:
        if request.method == "POST":
            return _judged(request, *runs)
        found = compare(*runs)
    except EnrichmentError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(reverse("admin:enrichment_evaluationrun_changelist"))
    return TemplateResponse(
        request,
        "nodewise/comparison.html",
        {
            **admin.site.each_context(request),
            "title": _("Two runs over %(set)s") % {"set": runs[0].evaluation_set},
            "opts": EvaluationRun._meta,  # noqa: SLF001 - Django's documented name
            "found": found,
            "sides": _sides(found),
            "other_way": address_of(runs[1], runs[0]),
            "measures": [_measure(each) for each in found.differences],
            "may_judge": request.user.has_perm(MAY_JUDGE),
            "pairs": [_pair(each) for each in found.cases[:PAIRS_SHOWN]],
            "shown": PAIRS_SHOWN,
        },
    )


def _judged(request: HttpRequest, first: EvaluationRun, second: EvaluationRun) -> HttpResponse:
    """Have a worker ask the judge about the rows that differ."""
    if not request.user.has_perm(MAY_JUDGE):
        raise PermissionDenied
    try:
        start_judging(first, second)
    except NoWorkers as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The judge is at work. Reload the page to see its verdict."))
    return HttpResponseRedirect(address_of(first, second))


def _sides(found: RunComparison) -> list[dict[str, Any]]:
    both = (_("First"), found.first), (_("Second"), found.second)
    return [
        {
            "side": side,
            "tried": tried_in_words(run),
            "label": run.label,
            "page": reverse("admin:enrichment_evaluationrun_change", args=[run.pk]),
            "failed": count(run.answers.filter(state=ResultState.FAILED).count()),
            "answered": count(run.answers.count()),
        }
        for side, run in both
    ]


def _run(request: HttpRequest, name: str) -> EvaluationRun:
    rows = EvaluationRun.objects.select_related("evaluation_set")
    try:
        return get_object_or_404(rows, pk=request.GET.get(name, ""))
    except ValidationError as error:
        raise Http404(_("%(name)s is not the ID of a run.") % {"name": name}) from error


def _measure(each: Difference) -> dict[str, str]:
    interval = _("too few rows")
    if each.low is not None and each.high is not None:
        interval = _("%(low)s to %(high)s") % {
            "low": decimal(each.low, 3, signed=True),
            "high": decimal(each.high, 3, signed=True),
        }
    verdicts = {"first": _("the first is higher"), "second": _("the second is higher")}
    return {
        "name": each.measure,
        "first": decimal(each.first, 3),
        "second": decimal(each.second, 3),
        "interval": interval,
        "verdict": verdicts.get(each.verdict, _("no difference found")),
        "rows": count(each.cases),
    }


def _pair(case: CasePair) -> dict[str, Any]:
    texts = compared(readable(case.first.value), readable(case.second.value))
    return {
        "row": case.row_id,
        "differs": case.differs,
        "wanted": "" if case.wanted is None else readable(case.wanted),
        "answers": [
            _answer(answer, text)
            for answer, text in zip((case.first, case.second), texts, strict=True)
        ],
    }


def _answer(answer: EvaluationAnswer, text: SafeString) -> dict[str, str]:
    """What it says, the words marked that the other lacks, and why it would not be applied."""
    state = "" if answer.state == ResultState.APPLIED else answer.get_state_display()
    return {
        "text": text,
        "state": state,
        "reason": answer.reason if state else "",
        "way": "" if answer.cascade is None else cascade_in_words(answer.cascade),
    }

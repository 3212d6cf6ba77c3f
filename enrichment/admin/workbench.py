"""The workbench of prompts: a wording on real rows, tried, compared, and what using it costs."""

import datetime as dt
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from enrichment import drafts
from enrichment.admin.batch_form import amount, plainly
from enrichment.admin.batch_start import FRAGMENT
from enrichment.admin.review_values import compared
from enrichment.admin.tried_rows import shown_trial
from enrichment.admin.workbench_form import Base, WorkbenchForm, bases
from enrichment.batches.creation import Selection
from enrichment.enrichments import get, names
from enrichment.enrichments.contract import Enrichment
from enrichment.errors import BadPrompt, EnrichmentError
from enrichment.models import Prompt
from enrichment.prompts import labels, versions
from enrichment.prompts.selection import BUILT_IN, TriedPrompt
from enrichment.trial import try_rows
from llmconfig.admin.kit.who_answers import who_answers
from llmconfig.admin.playground import may_call
from llmconfig.configuration.known_costs import money
from llmconfig.configuration.numbers import count
from llmconfig.errors import LLMError
from metrics.analyzers.quality import Grouping, Quality, quality

SEEN = "enrichment.view_prompt"
CHANGED = "enrichment.change_prompt"
TRIED = "enrichment.add_batch"  # it costs money
QUALITY_DAYS = 92
MAX_DIGITS = 9
TEMPLATES = {
    "show": "nodewise/workbench_row.html",
    "try": "nodewise/batch_trial.html",
    "cost": "nodewise/workbench_cost.html",
}
Parts = dict[str, Any]


def workbench_url(enrichment: str, **more: str | int) -> str:
    """The page of one enrichment's prompts."""
    query: dict[str, str | int] = {"enrichment": enrichment, **more}
    return f"{reverse('admin:enrichment_workbench')}?{urlencode(query)}"


def workbench_urls() -> list[URLPattern]:
    """Its address, beside the table of prompts."""
    view = admin.site.admin_view(workbench_view)
    return [path("workbench/", view, name="enrichment_workbench")]


def workbench_view(request: HttpRequest) -> HttpResponse:
    """The page; a part of it for its script; or what a button does.

    No transaction is open while models are asked.
    """
    if not request.user.has_perm(SEEN):
        raise PermissionDenied
    given = request.POST if request.method == "POST" else request.GET
    name = given.get("enrichment") or next(iter(names()), "")
    if name not in names():
        messages.warning(request, _("There is no such enrichment."))
        return HttpResponseRedirect(reverse("admin:enrichment_prompt_changelist"))
    enrichment = get(name)
    if request.method != "POST":
        return _page(request, enrichment, WorkbenchForm.starting_from(enrichment, request.GET), {})
    asked = request.POST.get("do", "")
    if not request.user.has_perm(TRIED if asked == "try" else CHANGED):
        raise PermissionDenied
    if asked == "label":
        return _labelled(request, enrichment)
    form = WorkbenchForm(request.POST, enrichment=enrichment)
    parts: Parts = {}
    if form.is_valid():
        try:
            if asked in {"save", "use"}:
                return _saved(request, enrichment, form, in_use=asked == "use")
            parts = _part(request, enrichment, form, asked)
        except (EnrichmentError, LLMError) as refusal:
            form.refuse(refusal, plainly(refusal))
    if request.headers.get(FRAGMENT) and asked in TEMPLATES:
        return TemplateResponse(
            request,
            TEMPLATES[asked],
            {"form": form, "fragment": True, **_rights(request, enrichment), **parts},
        )
    return _page(request, enrichment, form, parts)


def _part(request: HttpRequest, enrichment: Enrichment, form: WorkbenchForm, asked: str) -> Parts:
    """What one of the buttons shows below the text."""
    given = form.cleaned_data
    draft = form.draft()
    if asked == "show":
        found = drafts.filled(enrichment, draft, row_id=given["row"], variant=given["language"])
        return {"filled": found}
    if asked == "try":
        user = request.user if request.user.is_authenticated else None
        selection = Selection(
            ids=[given["row"]] if given["row"] else None,
            force=True, variants=(given["language"],), draft=draft,
        )  # fmt: skip
        rows = try_rows(enrichment.name, selection, rows=given["rows"], user=user)
        return shown_trial(enrichment, rows)
    redoing = drafts.redoing(enrichment, draft, variants=[given["language"]])
    forecast = redoing.forecast
    cost = forecast.cost_usd if forecast else None
    return {
        "redoing": {
            "stale": count(redoing.stale),
            "already": count(redoing.already),
            "rows": redoing.stale,
            "cost": [money(amount(each)) for each in (cost.p10, cost.p50, cost.p90)]
            if cost
            else None,
            "forecast": forecast,
        }
    }


def _saved(
    request: HttpRequest, enrichment: Enrichment, form: WorkbenchForm, *, in_use: bool
) -> HttpResponse:
    """The wording as the next version, in use or not."""
    draft = form.draft()
    if draft.prompt.told_version is not None:
        return _unchanged(request, enrichment, draft, in_use=in_use)
    prompt = versions.add(
        enrichment.name,
        organization_id=draft.organization_id,
        system=form.cleaned_data["system"],
        user=form.cleaned_data["user"],
        note=form.cleaned_data["note"],
        in_use=in_use,
    )
    told = _("%(prompt)s is now in use.") if in_use else _("Saved as %(prompt)s.")
    messages.success(request, told % {"prompt": prompt})
    return HttpResponseRedirect(workbench_url(enrichment.name, version=prompt.version))


def _unchanged(
    request: HttpRequest, enrichment: Enrichment, draft: TriedPrompt, *, in_use: bool
) -> HttpResponse:
    """A wording that is a version already becomes no other one."""
    version = draft.prompt.version
    told = _("This is exactly version %(version)s.") % {"version": version}
    if in_use:
        told = _put_into_use(enrichment, version)
    messages.info(request, told)
    return HttpResponseRedirect(workbench_url(enrichment.name, version=version))


def _put_into_use(enrichment: Enrichment, version: int) -> str:
    """Use a version, or what ships with the enrichment; says what was done."""
    if version == BUILT_IN:
        versions.turn_off(enrichment.name, None)
        return _("The built-in prompt is now in use.")
    prompt = Prompt.objects.filter(enrichment=enrichment.name, version=version).first()
    if prompt is None:
        return _("That version no longer exists.")
    versions.use(prompt)
    return _("%(prompt)s is now in use.") % {"prompt": prompt}


def _labelled(request: HttpRequest, enrichment: Enrichment) -> HttpResponse:
    """Give a version a label, or take one from it."""
    asked = request.POST.get("version", "")
    number = int(asked) if asked.isdecimal() and len(asked) < MAX_DIGITS else BUILT_IN
    prompt = Prompt.objects.filter(enrichment=enrichment.name, version=number).first()
    label = request.POST.get("label", "").strip().lower()
    if label == labels.PRODUCTION:
        messages.success(request, _put_into_use(enrichment, number))
    elif prompt is None:
        messages.error(request, _("Save it as a version first: only versions have labels."))
    elif request.POST.get("take"):
        labels.take(prompt, label)
    else:
        try:
            labels.put(prompt, label)
        except BadPrompt as refusal:
            messages.error(request, plainly(refusal))
    return HttpResponseRedirect(f"{workbench_url(enrichment.name, version=number)}#versions")


def _page(
    request: HttpRequest, enrichment: Enrichment, form: WorkbenchForm, parts: Parts
) -> HttpResponse:
    known = bases(enrichment)
    measured = _quality(enrichment)
    return TemplateResponse(
        request,
        "nodewise/workbench.html",
        {
            **admin.site.each_context(request),
            "title": _("Prompt of %(enrichment)s") % {"enrichment": enrichment.label},
            "enrichments": [(name, get(name).label) for name in names()],
            "form": form,
            "versions": [(base, measured.get(base.version)) for base in known],
            "offered": form.offered,
            **_rights(request, enrichment),
            "answers": who_answers(request),
            "max_tried": drafts.MAX_TRIED,
            "quality_days": QUALITY_DAYS,
            **_comparison(request, known),
            **parts,
        },
    )


def _rights(request: HttpRequest, enrichment: Enrichment) -> Parts:
    return {
        "enrichment": enrichment,
        "may_change": request.user.has_perm(CHANGED),
        "may_try": request.user.has_perm(TRIED) and enrichment.in_batches,
        "may_play": may_call(request),
    }


def _comparison(request: HttpRequest, known: list[Base]) -> Parts:
    """Two versions beside each other by words; the newest and what is in use unless chosen."""
    by_number = {str(base.version): base for base in known}
    in_use = next((base for base in known if base.in_use), known[-1])
    first = by_number.get(request.GET.get("first", ""), in_use)
    second = by_number.get(request.GET.get("second", ""), known[0])
    if first is second:
        return {"first": first, "second": second, "sides": []}
    texts = ((_("Instructions"), "system"), (_("Message"), "user"))
    return {
        "first": first,
        "second": second,
        "sides": [
            (title, *compared(getattr(first, part), getattr(second, part)))
            for title, part in texts
            if getattr(first, part) or getattr(second, part)
        ],
    }


def _quality(enrichment: Enrichment) -> dict[int, Quality]:
    """How good the answers of each version were."""
    now = timezone.now()
    found = quality(
        since=now - dt.timedelta(days=QUALITY_DAYS),
        until=now,
        by=Grouping.PROMPT,
        operation=enrichment.name,
    )
    told = ((each.keys.get("version"), each) for each in found)
    return {int(version): each for version, each in told if version is not None}

"""The page that starts a batch: which rows, a forecast, a trial on three of them, *Start*."""

import logging
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from enrichment.admin.batch_form import BatchForm, BatchOrder
from enrichment.admin.chosen_rows import ChosenRows
from enrichment.admin.shown_forecast import shown_forecast
from enrichment.admin.tried_rows import shown_trial
from enrichment.batches import creation, schedules
from enrichment.errors import BadSelection, EnrichmentError, NoWorkers
from enrichment.forecast import forecast
from enrichment.lane_queue import start_lanes_after_commit, work_command
from enrichment.models import Batch
from enrichment.trial import TRIAL_ROWS, try_rows
from llmconfig.admin.kit.presentation import moment
from llmconfig.admin.kit.who_answers import who_answers
from llmconfig.configuration.numbers import count
from llmconfig.errors import CallsDisabled, LLMError

logger = logging.getLogger(__name__)

FRAGMENT = "X-Fragment"  # the page's script wants the part alone
Parts = dict[str, Any]


def start_view(request: HttpRequest) -> HttpResponse:
    """Show the form, a part of the page for its script, or start the batch.

    No transaction is open while models are asked.
    """
    if not request.user.has_perm("enrichment.add_batch"):
        raise PermissionDenied
    given = request.POST if request.method == "POST" else request.GET
    chosen = ChosenRows.of(given)
    if not chosen.enrichments and chosen.table:
        raise Http404(gettext("No enrichment writes to {table}.").format(table=chosen.table))
    if not chosen.enrichments:
        messages.warning(request, gettext("There is no enrichment yet: create one first."))
        return HttpResponseRedirect(_where_to_declare(request))
    if request.method != "POST":
        return _page(request, _blank(request, chosen), {})
    form = BatchForm(request.POST, chosen=chosen)
    asked = request.POST.get("do", "start")
    parts: Parts = {}
    if form.is_valid():
        try:
            order = form.order(request)
            if asked == "start":
                return (_planned if order.is_planned else _started)(request, order)
            parts = _tried(request, order) if asked == "try" else _forecast(order)
        except CallsDisabled:  # the page tells it with the way to the switch
            form.refuse(BadSelection(gettext("LLM calls are disabled.")))
        except (EnrichmentError, LLMError) as refusal:
            form.refuse(refusal)
    if request.headers.get(FRAGMENT):
        template = "nodewise/batch_trial.html" if asked == "try" else "nodewise/forecast.html"
        return TemplateResponse(request, template, {"form": form, **parts})
    return _page(request, form, parts)


def _where_to_declare(request: HttpRequest) -> str:
    """The page for it, for those who may."""
    if request.user.has_perm("enrichment.add_declaredenrichment"):
        return reverse("admin:enrichment_declaredenrichment_add")
    return reverse("admin:enrichment_batch_changelist")


def _blank(request: HttpRequest, chosen: ChosenRows) -> BatchForm:
    first = chosen.enrichments[0].name if chosen.enrichments else ""
    names = ("languages", "organization", "limit", "max_cost_usd")
    given = {name: request.GET[name] for name in names if name in request.GET}
    return BatchForm(
        initial={
            "enrichment": request.GET.get("enrichment", first),
            "table": chosen.table,
            "rows": ",".join(chosen.ids or ()),
            "query": chosen.query,
            # One row that somebody points at is wanted, whatever state it is in.
            "force": chosen.ids is not None and len(chosen.ids) == 1,
            **given,
        },
        chosen=chosen,
    )


def _page(request: HttpRequest, form: BatchForm, parts: Parts) -> HttpResponse:
    return TemplateResponse(
        request,
        "nodewise/batch_start.html",
        {
            **admin.site.each_context(request),
            "title": gettext("Start a batch"),
            "form": form,
            "chosen": form.chosen.describe(),
            "answers": who_answers(request),
            "trial_rows": TRIAL_ROWS,
            "more_open": any(form[name].errors for name in ("priority", "within_hours", "at")),
            **parts,
        },
    )


def _forecast(order: BatchOrder) -> Parts:
    found, terms = forecast(order.enrichment.name, order.selection), order.terms
    shown = shown_forecast(found, transport=terms.transport, cap=terms.max_cost_usd)
    return {"forecast": shown}


def _tried(request: HttpRequest, order: BatchOrder) -> Parts:
    user = request.user if request.user.is_authenticated else None
    rows = try_rows(order.enrichment.name, order.selection, user=user)
    return shown_trial(order.enrichment, rows)


def _started(request: HttpRequest, order: BatchOrder) -> HttpResponse:
    user = request.user if request.user.is_authenticated else None
    batch = creation.create(order.enrichment.name, order.selection, terms=order.terms, user=user)
    if batch.rows_total:
        messages.success(
            request,
            ngettext(
                "Started {batch}: {rows} row.", "Started {batch}: {rows} rows.", batch.rows_total
            ).format(batch=batch, rows=count(batch.rows_total)),
        )
        if note := queue_lanes(batch):
            messages.warning(request, note)
    else:
        messages.warning(request, batch.status_reason)
    return HttpResponseRedirect(reverse("admin:enrichment_batch_change", args=[batch.pk]))


def _planned(request: HttpRequest, order: BatchOrder) -> HttpResponse:
    user = request.user if request.user.is_authenticated else None
    schedule = schedules.plan(
        order.enrichment.name,
        order.selection,
        order.terms,
        at=order.at or timezone.now(),
        recurrence=order.recurrence,
        user=user,
    )
    messages.success(
        request,
        gettext("Planned: {schedule}, first at {time}.").format(
            schedule=schedule, time=moment(schedule.next_at)
        ),
    )
    return HttpResponseRedirect(reverse("admin:enrichment_batchschedule_changelist"))


def queue_lanes(batch: Batch) -> str:
    """Give it workers at once; what to tell where none can be told, blank where one is."""
    try:
        start_lanes_after_commit(batch)
    except NoWorkers as error:
        logger.warning("%s waits, the reviver will start it: %s", batch, error)
        return gettext("{error} It waits for a worker; to run it in a shell: `{command}`").format(
            error=error, command=work_command(batch)
        )
    return ""

"""Batches: how far they are, what failed and why, and the buttons that control them."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import DecimalField, F, Model, OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from enrichment.admin.batch_page import CHUNK_TONES, page, selection_in_words, status_badge
from enrichment.admin.batch_start import queue_lanes, start_view
from enrichment.batches import lifecycle
from enrichment.batches.progress import of_chunks, progress_of
from enrichment.batches.undo import undo
from enrichment.errors import EnrichmentError, NotAllowedNow
from enrichment.models import (
    Batch,
    BatchChunk,
    ChunkStatus,
)
from llmconfig.admin.kit.confirmation import ask, is_confirmed
from llmconfig.admin.kit.presentation import badge, link, progress_bar
from llmconfig.admin.kit.writes import ReadOnlyAdmin
from llmconfig.configuration.known_costs import KnownCost
from llmconfig.configuration.numbers import count

LEFT_SHOWN = 10


def resume(batch: Batch, *, max_cost_usd: Decimal | None = None) -> str:
    """Allow it again, perhaps under another cap, and give it lanes at once."""
    lifecycle.resume(batch, max_cost_usd=max_cost_usd)
    told = gettext("Resumed: {batch}.").format(batch=batch)
    return f"{told} {queue_lanes(batch)}".strip()


def retry(batch: Batch) -> str:
    """Another try for its failed rows."""
    rows = lifecycle.retry_failed(batch)
    told = ngettext(
        "Retrying {rows} failed row of {batch}.",
        "Retrying {rows} failed rows of {batch}.",
        rows,
    ).format(rows=count(rows), batch=batch)
    return f"{told} {queue_lanes(batch)}".strip()


def take_back(batch: Batch) -> str:
    """Values from before, except in rows that were changed since."""
    report = undo(batch)
    left = ", ".join(each.row_id for each in report.left[:LEFT_SHOWN])
    told = gettext("Remaining: {rows}.").format(rows=left) if left else ""
    return f"{report} {told}".strip()


def pause(batch: Batch) -> str:
    """Pause a batch: nothing more is sent, what is in flight is still written."""
    lifecycle.pause(batch)
    return gettext("Paused: {batch}.").format(batch=batch)


def cancel(batch: Batch) -> str:
    """End a batch; what is written stays."""
    lifecycle.cancel(batch)
    return gettext("Cancelled: {batch}.").format(batch=batch)


CONTROLS: dict[str, Callable[[Batch], str]] = {
    "pause": pause,
    "hold": pause,
    "resume": resume,
    "cancel": cancel,
    "retry": retry,
    "undo": take_back,
}


# What can't be undone, and the question that is asked before.
FINAL = {
    "cancel": (_("Cancel {batch}?"), _("Yes, cancel")),
    "undo": (_("Undo {batch}?"), _("Yes, undo")),
}


def _what_is_lost(batch: Batch, verb: str) -> str:
    """What pressing the button means for this batch, in a sentence."""
    at = progress_of(batch.pk)
    if verb == "undo":
        return gettext(
            "The {done} rows it wrote return to their previous values, except where "
            "something newer has been written. The {cost} it cost stays spent."
        ).format(done=count(at.done), cost=at.cost)
    return gettext(
        "{left} of its {total} rows aren't done and stay as they are; rows already written "
        "stay. A cancelled batch can't be resumed."
    ).format(left=count(at.total - at.finished), total=count(at.total))


def with_sums(rows: QuerySet[Any]) -> Any:
    """Batches with the sums of their chunks: `done_sum`, `failed_sum`, `cost_sum`, and
    `unpriced_sum` and `unpriced_tokens_sum` of the calls whose cost isn't in it.
    """

    def total(column: Any, zero: Any = 0) -> Coalesce:
        chunks = BatchChunk.objects.filter(batch=OuterRef("pk")).order_by().values("batch")
        return Coalesce(Subquery(chunks.annotate(total=Sum(column)).values("total")), zero)

    return rows.annotate(
        done_sum=total(F("rows_done") + F("rows_skipped")),
        failed_sum=total("rows_failed"),
        cost_sum=total("cost_usd", Value(0, DecimalField(max_digits=16, decimal_places=10))),
        unpriced_sum=total("unpriced_calls"),
        unpriced_tokens_sum=total("unpriced_tokens"),
    )


def cost_of(batch: Any) -> KnownCost:
    """What a batch of `with_sums` has cost."""
    return of_chunks(batch.cost_sum, batch.unpriced_sum, batch.unpriced_tokens_sum)


@admin.register(Batch)
class BatchAdmin(ReadOnlyAdmin):
    """One enrichment over many rows."""

    list_display = ("name", "state", "progress_shown", "cost", "created_by", "created_at")
    list_filter = ("status", "enrichment")
    list_select_related = ("created_by",)
    search_fields = ("=id", "enrichment")
    date_hierarchy = "created_at"
    list_per_page = 25
    list_before_template = "nodewise/batches_head.html"
    actions = ("pause_selected", "resume_selected", "cancel_selected")
    fieldsets = (
        (
            _("Request"),
            {
                "fields": (
                    "id",
                    "enrichment",
                    "selection",
                    "force",
                    "write_size",
                    "max_cost_usd",
                    "priority",
                    "transport",
                    "created_by",
                )
            },
        ),
        (_("When"), {"fields": ("created_at", "started_at", "finished_at")}),
    )
    change_form_outer_before_template = "nodewise/batch_progress.html"
    change_form_outer_after_template = "nodewise/batch_details.html"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may start batches; the page is ours."""
        return request.user.has_perm("enrichment.add_batch")

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Start a batch."""
        return start_view(request)

    def has_control_permission(self, request: HttpRequest) -> bool:
        """Whoever may change batches may press the buttons."""
        return request.user.has_perm("enrichment.change_batch")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With its chunks' sums for the list."""
        return with_sums(super().get_queryset(request))

    def get_urls(self) -> list[URLPattern]:
        """The buttons' address, and the part of the page that changes."""
        site = self.admin_site
        return [
            path(
                "<uuid:batch_id>/control/<str:verb>/",
                site.admin_view(self.control_view),
                name="enrichment_batch_control",
            ),
            path(
                "<uuid:batch_id>/progress/",
                site.admin_view(self.progress_view),
                name="enrichment_batch_progress",
            ),
            *super().get_urls(),
        ]

    def progress_view(self, request: HttpRequest, batch_id: Any) -> HttpResponse:
        """The part of a batch's page that changes while it runs."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        batch = get_object_or_404(Batch, pk=batch_id)
        shown = page(batch, may_control=self.has_control_permission(request))
        return TemplateResponse(request, self.change_form_outer_before_template, shown)

    def control_view(self, request: HttpRequest, batch_id: Any, verb: str) -> HttpResponse:
        """One button pressed on a batch's page."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_control_permission(request) or verb not in CONTROLS:
            raise PermissionDenied
        batch = get_object_or_404(Batch, pk=batch_id)
        here = reverse("admin:enrichment_batch_change", args=[batch.pk])
        if verb in FINAL and not is_confirmed(request):
            question, yes = FINAL[verb]
            return ask(
                request,
                question=question.format(batch=batch),
                details=[_what_is_lost(batch, verb)],
                verb=str(yes),
                back=here,
            )
        if verb == "resume" and request.POST.get("max_cost_usd"):
            self._resume_under(request, batch)
        else:
            self._control(request, [batch], verb)
        return HttpResponseRedirect(here)

    def _resume_under(self, request: HttpRequest, batch: Batch) -> None:
        """Resume with the cap that was entered."""
        try:
            cap = Decimal(request.POST["max_cost_usd"])
            messages.success(request, resume(batch, max_cost_usd=cap))
        except InvalidOperation:
            messages.warning(request, gettext("A cap is a number of US dollars."))
        except EnrichmentError as refusal:
            messages.warning(request, str(refusal))

    def _control(self, request: HttpRequest, chosen: Any, verb: str) -> None:
        for batch in chosen:
            try:
                messages.success(request, CONTROLS[verb](batch))
            except NotAllowedNow as refusal:
                messages.warning(request, str(refusal))

    @admin.action(description=_("Pause"), permissions=["control"])
    def pause_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._control(request, queryset, "pause")

    @admin.action(description=_("Resume"), permissions=["control"])
    def resume_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._control(request, queryset, "resume")

    @admin.action(description=_("Cancel"), permissions=["control"])
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """End them after a question; what is written stays."""
        if not is_confirmed(request):
            return ask(
                request,
                question=ngettext(
                    "Cancel {number} batch?", "Cancel {number} batches?", len(queryset)
                ).format(number=len(queryset)),
                details=[f"{batch}: {_what_is_lost(batch, 'cancel')}" for batch in queryset],
                verb=gettext("Yes, cancel"),
                back=request.get_full_path(),
            )
        self._control(request, queryset, "cancel")
        return None

    @admin.display(description=_("Selection"))
    def selection(self, batch: Batch) -> str:
        """Which rows were asked for, in words."""
        return selection_in_words(batch.params)

    @admin.display(description=_("Batch"), ordering="enrichment")
    def name(self, batch: Batch) -> str:
        """What it does, with the beginning of its id."""
        return str(batch)

    @admin.display(description=_("Status"), ordering="status")
    def state(self, batch: Batch) -> SafeString:
        return status_badge(batch.status)

    @admin.display(description=_("Rows"))
    def progress_shown(self, batch: Any) -> SafeString:
        return progress_bar(batch.done_sum, batch.rows_total, failed=batch.failed_sum)

    @admin.display(description=_("Cost"))
    def cost(self, batch: Any) -> str:
        """The sum over its priced calls, and how many have no price."""
        return str(cost_of(batch))

    def fill_page(self, request: HttpRequest, obj: Model | None, context: dict[str, Any]) -> None:
        """With progress, buttons, chunks and failed rows."""
        if isinstance(obj, Batch):
            context |= page(obj, may_control=self.has_control_permission(request))


@admin.register(BatchChunk)
class BatchChunkAdmin(ReadOnlyAdmin):
    """The parts of batches that workers take under a lease."""

    list_display = (
        "id", "of_batch", "variant", "state", "rows_done", "rows_failed", "rows_skipped", "calls",
        "calls_repaid", "cost", "deaths",
    )  # fmt: skip
    list_filter = ("status",)
    list_select_related = ("batch",)
    search_fields = ("=batch__id",)
    ordering = ("-id",)
    show_full_result_count = False
    fieldsets = (
        (None, {"fields": ("batch", "variant", "status", "round", "due_at")}),
        (_("Lease"), {"fields": ("lease_token", "leased_until", "started", "deaths")}),
        (
            _("Rows"),
            {"fields": ("row_ids", "rows_done", "rows_failed", "rows_skipped")},
        ),
        (
            _("Calls"),
            {
                "fields": (
                    "calls", "calls_repaid", "tokens", "cost", "unpriced_calls", "unpriced_tokens",
                )
            },
        ),
    )  # fmt: skip
    readonly_fields = ("cost",)

    def get_queryset(self, request: HttpRequest) -> Any:
        """The list needs no row ids."""
        rows = super().get_queryset(request)
        if request.resolver_match and str(request.resolver_match.url_name).endswith("changelist"):
            return rows.defer("row_ids")
        return rows

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        return lookup == "batch__id__exact" or super().lookup_allowed(lookup, value, request)

    @admin.display(description=_("Batch"))
    def of_batch(self, chunk: BatchChunk) -> SafeString:
        """The batch that it belongs to."""
        address = reverse("admin:enrichment_batch_change", args=[chunk.batch_id])
        return link(address, chunk.batch)

    @admin.display(description=_("Status"), ordering="status")
    def state(self, chunk: BatchChunk) -> SafeString:
        return badge(chunk.get_status_display(), CHUNK_TONES[ChunkStatus(chunk.status)])

    @admin.display(description=_("Cost"), ordering="cost_usd")
    def cost(self, chunk: BatchChunk) -> str:
        """The sum over its priced calls, and how many have no price."""
        return str(of_chunks(chunk.cost_usd, chunk.unpriced_calls))

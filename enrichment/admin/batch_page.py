"""What a batch's page shows: how far it is, its cost, which rows failed for what, the buttons."""

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db.models import Count
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from msgspec import Struct

from enrichment.admin.batch_cascade import cascade_section
from enrichment.admin.freshness import WORDS
from enrichment.admin.submissions_table import SUBMISSIONS_SHOWN, submissions_shown
from enrichment.batches.cascades import figures_of
from enrichment.batches.progress import Progress, progress_of
from enrichment.enrichments import get
from enrichment.errors import EnrichmentError
from enrichment.forecast import is_half_assumed
from enrichment.lane_queue import work_command
from enrichment.models import (
    Batch,
    BatchStatus,
    ChunkStatus,
    EnrichmentResult,
    ProviderBatchSubmission,
    ResultState,
)
from enrichment.models.batches import TERMINAL, WORKABLE
from llmconfig.admin.kit.pages import row_page
from llmconfig.admin.kit.presentation import badge, in_a_line, progress_bar
from llmconfig.configuration.known_costs import money
from llmconfig.configuration.numbers import count, decimal, duration

WORKERS_COME_IN = dt.timedelta(seconds=20)
STATUS_TONES = {
    BatchStatus.PENDING: "info",
    BatchStatus.RUNNING: "info",
    BatchStatus.PAUSED: "warning",
    BatchStatus.CANCELLED: "plain",
    BatchStatus.COMPLETED: "good",
}
VERBS = {
    "pause": _("Pause"),
    "resume": _("Resume"),
    "hold": _("Keep paused"),
    "cancel": _("Cancel"),
    "retry": _("Retry"),
    "undo": _("Undo"),
}
STATUS_WORDS = {
    BatchStatus.PENDING: _("pending"),
    BatchStatus.RUNNING: _("running"),
    BatchStatus.PAUSED: _("paused"),
    BatchStatus.CANCELLED: _("cancelled"),
    BatchStatus.COMPLETED: _("completed"),
}
CHUNK_TONES = {
    ChunkStatus.OPEN: "plain",
    ChunkStatus.AWAY: "info",
    ChunkStatus.LEASED: "info",
    ChunkStatus.DONE: "good",
}
FAILED_SHOWN = 50
KINDS_OF = 2000  # of so many failed rows, the newest ones
KINDS_SHOWN = 8
KIND_LENGTH = 80
TELLING_ROWS = 20  # fewer say nothing about what all will cost
# The client's sentence about a failed call: `node: no answer. provider/model: http_500 (…)`.
_OUTCOME = re.compile(r"\S+/\S+: ([a-z0-9_]+)(?: \(|;|$)")


class Button(Struct, frozen=True):
    """A control: its verb, what stands on it, where it is sent, and the cap that it may change."""

    verb: str
    label: str
    address: str
    cap: Decimal | None = None

    @property
    def typed_cap(self) -> str:
        """As a number field takes it, whatever the page's language."""
        return "" if self.cap is None else f"{self.cap.normalize():f}"


class FailedRow(Struct, frozen=True):
    """A row that failed: its name, why, and where it and its call are shown; blank is nowhere."""

    name: str
    page: str
    variant: str
    reason: str
    call: str


def allowed_controls(progress: Progress, *, awaits_budget: bool = False) -> tuple[str, ...]:
    """What may be pressed in a state; a paused batch that awaits a budget goes on by itself."""
    if progress.status in WORKABLE:
        return ("pause", "cancel")
    if progress.status == BatchStatus.PAUSED:
        return ("resume", "hold", "cancel") if awaits_budget else ("resume", "cancel")
    retry_too = progress.status == BatchStatus.COMPLETED and progress.failed
    undo_too = ("undo",) if progress.done else ()
    return ("retry", *undo_too) if retry_too else undo_too


def status_badge(status: str) -> SafeString:
    """A batch's state in one word."""
    known = BatchStatus(status)
    return badge(STATUS_WORDS[known], STATUS_TONES[known])


def figures(progress: Progress, *, cap: Decimal | None = None) -> list[tuple[str, str]]:
    """The numbers below a batch's progress bar: rows, rate, cost and time left."""
    shown = [
        (gettext("rows done"), count(progress.done)),
        (gettext("failed"), count(progress.failed)),
        (gettext("skipped"), count(progress.skipped)),
        (gettext("calls paid"), count(progress.calls)),
        (gettext("tokens"), count(progress.tokens)),
        (gettext("cost so far"), str(progress.cost)),
    ]
    expected = expected_cost(progress)
    if expected is not None:
        shown.append((gettext("expected total"), money(expected)))
    if cap is not None:
        shown.append((gettext("its cap"), money(cap)))
    if progress.rows_per_second:
        shown.append((gettext("rows per second"), decimal(progress.rows_per_second, 1)))
    shown.append((gettext("time"), duration(progress.seconds)))
    if progress.eta_seconds is not None and progress.status in WORKABLE:
        shown.append((gettext("left"), duration(progress.eta_seconds)))
    if progress.waiting:
        shown.append((gettext("waiting for a retry"), count(progress.waiting)))
    if progress.calls_repaid:
        shown.append((gettext("calls paid twice"), count(progress.calls_repaid)))
    if progress.unpriced_calls:
        shown.append((gettext("tokens unpriced"), count(progress.unpriced_tokens)))
    return shown


def selection_in_words(params: Mapping[str, Any]) -> str:
    """Which rows a batch was asked for: whose, how many at most, in which languages, and why."""
    languages = ", ".join(filter(None, params.get("variants") or ()))
    parts = [
        gettext("languages: {languages}").format(languages=languages) if languages else "",
        gettext("organization: {organization}").format(organization=params["organization"])
        if params.get("organization")
        else "",
        gettext("at most {number} rows").format(number=params["limit"])
        if params.get("limit")
        else "",
        gettext("the list's filter: {filter}").format(filter=params["filter"])
        if params.get("filter")
        else "",
    ]
    if params.get("whole_table"):
        parts = [gettext("all rows of the table"), *parts]
    elif not params.get("organization") and not params.get("limit") and not params.get("filter"):
        parts = [gettext("chosen rows"), *parts]
    wanted = [in_a_line(words) for each, words in WORDS.items() if each in params.get("stale", ())]
    if wanted:
        parts.append(gettext("stale: {reasons}").format(reasons=" / ".join(wanted)))
    return "; ".join(filter(None, parts))


def expected_cost(progress: Progress) -> Decimal | None:
    """What all rows will have cost if the others are like those that are done; None if unknown."""
    cost = progress.cost.whole_usd
    if progress.status in TERMINAL or progress.finished < TELLING_ROWS or cost is None:
        return None
    return cost / progress.finished * progress.total


def kinds(reasons: Iterable[str]) -> list[tuple[str, int]]:
    """Failures by kind, the commonest first: by how the last call ended, else by their words."""
    found: Counter[str] = Counter()
    for reason in reasons:
        outcomes = _OUTCOME.findall(reason)
        found[outcomes[-1] if outcomes else reason[:KIND_LENGTH]] += 1
    return found.most_common(KINDS_SHOWN)


def page(batch: Batch, *, may_control: bool) -> dict[str, Any]:
    """All that the page's templates need."""
    progress = progress_of(batch.pk)
    failed = batch.results.filter(state=ResultState.FAILED).order_by("-id")
    few = failed_rows(batch, list(failed[:FAILED_SHOWN]))
    reasons = failed.values_list("reason", flat=True)[:KINDS_OF] if few else ()
    calls = reverse("admin:metrics_generationmetric_changelist")
    submitted = reverse("admin:enrichment_providerbatchsubmission_changelist")
    of_batch = f"?batch__id__exact={batch.pk}"
    return {
        "batch": batch,
        "progress": progress,
        "status": status_badge(progress.status),
        "bar": progress_bar(
            progress.done + progress.skipped, progress.total, failed=progress.failed
        ),
        "figures": [
            *figures(progress, cap=batch.max_cost_usd),
            *(
                [(gettext("batch price assumed"), gettext("half"))]
                if is_half_assumed(batch)
                else []
            ),
        ],
        "events_url": _events_url(batch),
        "nobody": _waits_for_nobody(batch),
        "progress_url": reverse("admin:enrichment_batch_progress", args=[batch.pk]),
        "live": progress.status not in TERMINAL,
        "buttons": [
            _button(batch, verb)
            for verb in allowed_controls(progress, awaits_budget=batch.awaits_budget is not None)
            if may_control
        ],
        "failed_rows": few,
        "failed_shown": FAILED_SHOWN,
        "kinds": [(kind, count(number)) for kind, number in kinds(reasons)],
        "chunk_states": _chunk_states(batch),
        "cascade": cascade_section(figures_of(batch)),
        "submissions": submissions_shown(
            ProviderBatchSubmission.objects.filter(chunk__batch=batch)
        ),
        "submissions_shown": SUBMISSIONS_SHOWN,
        "submissions_url": f"{submitted}?chunk__batch__id__exact={batch.pk}",
        "results_url": f"{reverse('admin:enrichment_enrichmentresult_changelist')}{of_batch}",
        "chunks_url": f"{reverse('admin:enrichment_batchchunk_changelist')}{of_batch}",
        "calls_url": f"{calls}?q={batch.pk}&days=366",
    }


def failed_rows(batch: Batch, results: Sequence[EnrichmentResult]) -> list[FailedRow]:
    """Failed rows by their names, with links to them and to their last call."""
    try:
        enrichment = get(batch.enrichment)
        ids = [enrichment.checked_key(each.row_id) for each in results]
        found = {str(row.pk): str(row) for row in enrichment.rows().filter(pk__in=ids)}
        model = enrichment.model()
    except EnrichmentError:  # its app is gone, or its key has another type by now
        found, model = {}, None
    calls = reverse("admin:metrics_generationmetric_changelist")
    return [
        FailedRow(
            name=found.get(each.row_id, each.row_id),
            page=row_page(model, each.row_id) if model and each.row_id in found else "",
            variant=each.variant,
            reason=each.reason,
            call=f"{calls}?q={each.correlation_id}&days=366" if each.correlation_id else "",
        )
        for each in results
    ]


def _button(batch: Batch, verb: str) -> Button:
    address = reverse("admin:enrichment_batch_control", args=[batch.pk, verb])
    return Button(verb, str(VERBS[verb]), address, batch.max_cost_usd if verb == "resume" else None)


def _chunk_states(batch: Batch) -> list[tuple[SafeString, int]]:
    counted = batch.chunks.order_by().values_list("status").annotate(Count("pk"))
    found = dict(counted)
    return [
        (badge(in_a_line(each.label), CHUNK_TONES[each]), found[each])
        for each in ChunkStatus
        if each in found
    ]


def _events_url(batch: Batch) -> str:
    """Where a page is told of progress; blank where the project has no address of ours for it."""
    try:
        return reverse("nodewise_batch_events", args=[batch.pk])
    except NoReverseMatch:
        return ""


def _waits_for_nobody(batch: Batch) -> str:
    """What to do about a batch that no worker has taken up; blank while one may still come."""
    waited = timezone.now() - batch.created_at
    if batch.status != BatchStatus.PENDING or waited < WORKERS_COME_IN:
        return ""
    return gettext(
        "No worker has picked it up. Start a worker, or run it in a shell: {command}"
    ).format(command=work_command(batch))

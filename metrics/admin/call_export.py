"""The calls that a list shows as a CSV file, piece by piece and up to a bound."""

from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.urls import URLPattern, path

from metrics.bounded import bounded
from metrics.csv_export import csv_lines
from metrics.errors import TookTooLong

MAX_ROWS = 100_000
AT_ONCE = 2_000
COLUMNS = (
    "created_at", "correlation_id", "session_id", "method_name", "node_type", "operation_type",
    "provider", "model_used", "tier", "tokens_input", "tokens_output", "tokens_cached_input",
    "tokens_reasoning", "cost_usd", "latency_ms", "error_code", "finish_reason", "cache_hit",
    "account", "user_id", "organization_id", "end_user", "experiment", "experiment_arm",
)  # fmt: skip
CUT = f"Only the newest {MAX_ROWS:,} calls are in this file: ask for a shorter time."
SLOW = "The database was asked for too long: ask for a shorter time."


def export_urls(page: Any) -> list[URLPattern]:
    """The address of the file; its query is the list's own."""

    def view(request: HttpRequest) -> HttpResponseBase:
        if not page.has_view_permission(request):
            raise PermissionDenied
        rows = page.get_changelist_instance(request).queryset
        answer = StreamingHttpResponse(
            _streamed(_pieces(rows)), content_type="text/csv; charset=utf-8"
        )
        answer["Content-Disposition"] = 'attachment; filename="calls.csv"'
        return answer

    return [path("calls.csv", admin.site.admin_view(view), name="metrics_calls_csv")]


async def _streamed(pieces: Iterator[str]) -> AsyncIterator[str]:
    """The pieces without holding up the process, which also has a page to serve."""
    following = sync_to_async(partial(next, pieces, None))
    while (piece := await following()) is not None:
        yield piece


def _pieces(rows: "QuerySet[Any]") -> Iterator[str]:
    """The file in pieces of many lines each; its last line says what is missing from it."""
    yield "".join(csv_lines([*COLUMNS, "tags"], []))
    rows = rows.order_by("-created_at", "-pk")
    last: tuple[Any, Any] | None = None
    for _ in range(MAX_ROWS // AT_ONCE):
        page = rows
        if last is not None:
            moment, key = last
            page = rows.filter(
                Q(created_at__lt=moment) | Q(created_at=moment, pk__lt=key), created_at__lte=moment
            )
        try:
            with bounded():
                found = list(page.values_list("pk", *COLUMNS, "tags")[:AT_ONCE])
        except TookTooLong:
            yield _note(SLOW)
            return
        yield "".join(_lines(found))
        if len(found) < AT_ONCE:
            return
        last = found[-1][1], found[-1][0]
    yield _note(CUT)


def _lines(found: list[tuple[Any, ...]]) -> Iterator[str]:
    shown = ([*row[1:-1], " ".join(row[-1] or [])] for row in found)
    lines = csv_lines([], shown)
    next(lines)  # the header stands at the file's beginning
    return lines


def _note(text: str) -> str:
    return "".join(csv_lines([text], []))

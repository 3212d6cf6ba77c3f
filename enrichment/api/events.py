"""A batch's progress as server-sent events: one a second until it ends or the client leaves."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import orjson
from asgiref.sync import sync_to_async
from django.core.handlers.wsgi import WSGIRequest
from django.db import DatabaseError, connections
from django.http import HttpResponse, StreamingHttpResponse
from django.utils.translation import gettext
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import NotFound
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from enrichment.api.batch_bodies import ProgressSerializer
from enrichment.api.failures import EnrichmentEndpoint
from enrichment.batches.progress import Progress, progress_of
from enrichment.models import Batch
from enrichment.models.batches import TERMINAL, WORKABLE
from llmconfig.api.kit.documentation import extend_schema
from llmconfig.runtime import stopping
from llmconfig.runtime.records import replace

EVERY_SECONDS = 1.0
LOOKS = 5  # a second, at whether the server is to end
# Then the client has to come again, which its browser does by itself: whoever lost the right to
# look, or holds up a server that wants to end, doesn't do so for long.
MAX_SECONDS = 600.0
RETRY = b"retry: 1000\n\n"
HEARTBEAT = b": still here\n\n"
MAX_DIGITS = 12  # of a Last-Event-ID that is one of ours


class WhateverIsAccepted(BaseContentNegotiation):
    """Events are sent and errors are JSON, whatever the client says that it takes."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class BatchEvents(EnrichmentEndpoint):
    """Streams a batch's progress as server-sent events."""

    content_negotiation_class = WhateverIsAccepted
    more_error_statuses = frozenset({"404"})

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "Last-Event-ID", int, OpenApiParameter.HEADER, description="Counted on from there."
            )
        ],
        responses={(200, "text/event-stream"): OpenApiTypes.STR},
    )
    def get(self, request: Request, **kwargs: Any) -> HttpResponse | StreamingHttpResponse:
        """`event: progress` with the progress as JSON, each second; `event: end` is the last.

        A batch that stands still brings comments instead. After ten minutes the stream ends, under
        WSGI after each event: come again.
        """
        if not Batch.objects.filter(pk=kwargs["id"]).exists():
            raise NotFound(gettext("There is no batch {id}.").format(id=kwargs["id"]))
        last = request.headers.get("Last-Event-ID", "")
        seen = int(last) if last.isdecimal() and len(last) <= MAX_DIGITS else 0
        how = {
            "content_type": "text/event-stream",
            "headers": {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
        }
        if isinstance(request._request, WSGIRequest):  # noqa: SLF001 - DRF's own name for Django's
            # WSGI would hold all of a stream until its end: one event, and the client comes again.
            return HttpResponse([RETRY, _event(seen + 1, progress_of(kwargs["id"]))], **how)
        return StreamingHttpResponse(events(kwargs["id"], seen=seen), **how)


async def events(batch_id: UUID, *, seen: int = 0) -> AsyncIterator[bytes]:
    """The stream's bytes; ids count on from `seen`. No database connection is held meanwhile."""
    ends_at = time.monotonic() + MAX_SECONDS
    number, told = seen, None
    yield RETRY
    while time.monotonic() < ends_at and not stopping.begun():
        try:
            at = await sync_to_async(_look)(batch_id)
        except Batch.DoesNotExist:
            return
        except DatabaseError:
            yield HEARTBEAT  # it may be back the next time
        else:
            ended = at.status in TERMINAL
            if ended or at.status in WORKABLE or _still(at) != told:
                number, told = number + 1, _still(at)
                yield _event(number, at)
            else:
                yield HEARTBEAT
            if ended:
                return
        await _pause()


async def _pause() -> None:
    """A second; less when the server is to end, which would wait for this stream."""
    for _ in range(LOOKS):
        if stopping.begun():
            return
        await asyncio.sleep(EVERY_SECONDS / LOOKS)


def _look(batch_id: UUID) -> Progress:
    """In the request's own thread, whose connection would otherwise idle as long as the stream."""
    try:
        return progress_of(batch_id)
    finally:
        connections.close_all()


def _still(at: Progress) -> Progress:
    """What changes when something happened, not by time alone."""
    return replace(at, seconds=0.0, rows_per_second=0.0, eta_seconds=None)


def _event(number: int, at: Progress) -> bytes:
    name = "end" if at.status in TERMINAL else "progress"
    body = {"status": at.status, "status_reason": at.reason, **ProgressSerializer(at).data}
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (number, name.encode(), orjson.dumps(body))

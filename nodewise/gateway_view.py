"""`/v1` as a Django view, for `runserver`: it works, a thread for each request.

Under ASGI `nodewise.asgi.wrap` answers before Django does. Any other WSGI server gets a 501.
"""

import asyncio
import logging
import queue
from collections.abc import Iterator, MutableMapping
from concurrent.futures import Future
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse

from llmconfig.client.http import background_loop
from llmconfig.gateway import application as gateway

logger = logging.getLogger(__name__)

DEVELOPMENT_SERVER = "WSGIServer/"  # as wsgiref calls itself, which `runserver` stands on
NO_WSGI = "/v1 needs an ASGI server: serve nodewise.asgi.wrap(get_asgi_application()) with uvicorn."
END = b""
_warned: set[str] = set()


def answer(request: HttpRequest, rest: str) -> HttpResponse | StreamingHttpResponse:
    """The gateway's answer, streamed where it streams; keys are the gateway's own."""
    server = request.META.get("SERVER_SOFTWARE", "")
    if isinstance(request, WSGIRequest) and not server.startswith(DEVELOPMENT_SERVER):
        return _error(501, "not_implemented", NO_WSGI)
    if "v1" not in _warned:
        _warned.add("v1")
        logger.warning("/v1 runs in the development server, slowly. %s", NO_WSGI)
    try:
        body = request.body
    except RequestDataTooBig:
        return _error(413, "too_large", "The body is over DATA_UPLOAD_MAX_MEMORY_SIZE.")
    return _Exchange(_scope(request, rest), body).response()


def _error(status: int, code: str, message: str) -> JsonResponse:
    """In the shape of OpenAI's errors."""
    return JsonResponse(
        {"error": {"message": message, "type": code, "code": code, "param": None}}, status=status
    )


def _scope(request: HttpRequest, rest: str) -> dict[str, Any]:
    """The request as ASGI has it, without the prefix that the project chose."""
    return {
        "type": "http",
        "method": request.method,
        "path": f"{gateway.PREFIX}/{rest}",
        "query_string": request.META.get("QUERY_STRING", "").encode(),
        "headers": [
            (name.lower().encode(), value.encode("latin-1", "replace"))
            for name, value in request.headers.items()
        ],
        "client": (request.META.get("REMOTE_ADDR", ""), 0),
    }


class _Exchange:
    """One request that the process's loop answers while this thread hands the parts on."""

    def __init__(self, scope: dict[str, Any], body: bytes) -> None:
        self._requests: list[dict[str, Any]] = [{"type": "http.request", "body": body}]
        self._parts: queue.SimpleQueue[MutableMapping[str, Any] | None] = queue.SimpleQueue()
        self._work: Future[None] = background_loop.submit(self._run(scope))

    def response(self) -> HttpResponse | StreamingHttpResponse:
        """Its status and headers, and the body as it comes."""
        start = self._parts.get()
        if start is None:
            self._work.result()
            return _error(500, "internal_error", "Something went wrong here.")
        answered = StreamingHttpResponse(self._body(), status=start["status"])
        for name, value in start.get("headers", ()):
            if name.lower() != b"connection":  # the server's own matter
                answered[name.decode("latin-1")] = value.decode("latin-1")
        return answered

    def _body(self) -> Iterator[bytes]:
        try:
            while (part := self._parts.get()) is not None:
                yield part.get("body", END)
                if not part.get("more_body", False):
                    return
        finally:
            self._work.cancel()  # the client has gone, or all is said

    async def _run(self, scope: dict[str, Any]) -> None:
        try:
            await gateway.application(scope, self._receive, self._send)
        finally:
            self._parts.put(None)

    async def _receive(self) -> dict[str, Any]:
        if self._requests:
            return self._requests.pop()
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        self._parts.put(message)

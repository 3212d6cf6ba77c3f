"""Pages leave compressed; streams don't, as a compressor would hold their pieces back."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

COMPRESSED = ("text/html", "text/csv", "application/json")


class CompressPages:
    """Compresses whole answers of text for clients that take gzip.

    Django's own middleware does it, with bytes of random length against BREACH.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self._gzip = GZipMiddleware(lambda _request: HttpResponse())

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The answer, compressed where that helps."""
        response = self.get_response(request)
        kind = response.headers.get("Content-Type", "").partition(";")[0]
        if not isinstance(response, HttpResponse) or kind not in COMPRESSED:
            return response
        return self._gzip.process_response(request, response)

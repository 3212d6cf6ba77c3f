"""Whether the process lives, answered before any page is loaded: liveness probes ask for no more.

A project that wants it puts `nodewise.liveness.AnswersFirst` among its first middleware.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse

OK = "ok"
PATH = "/healthz"


def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers; it asks nobody else."""
    return JsonResponse({"status": OK})


class AnswersFirst:
    """Answers `/healthz` itself; all else loads the addresses with the first request, /readyz too.

    Raises DisallowedHost, which is answered with 400, as every page does.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The answer."""
        if request.path_info != PATH:
            return self.get_response(request)
        request.get_host()
        return healthz(request)

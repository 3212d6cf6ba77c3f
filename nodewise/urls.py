"""Every address for a project's urls.py: `path("nodewise/", include("nodewise.urls"))`."""

from django.apps import apps
from django.db import transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver, include, path
from django.views.decorators.csrf import csrf_exempt

from llmconfig.api.kit.documentation import Operation, describe
from nodewise.health import LLMHealth, readyz
from nodewise.liveness import healthz

describe(
    {
        "GET /api/health/llm": Operation(
            "Show the configuration's health",
            "Returns whether calls can be answered: the master switch, providers with a readable"
            " key, and nodes that resolve. Anybody may ask; who has a role also sees details."
            " Answers 503 when no call can be answered.",
            public=True,
        )
    }
)


@csrf_exempt
@transaction.non_atomic_requests
def gateway(request: HttpRequest, rest: str) -> HttpResponseBase:
    """`/v1` where ASGI's wrapper doesn't answer it; what does comes with the first request."""
    from nodewise import gateway_view  # noqa: PLC0415 - with the whole client

    return gateway_view.answer(request, rest)


urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz),
    path("readyz", readyz),
    path("api/health/llm", LLMHealth.as_view()),
    path("v1/<path:rest>", gateway),
    path("", include("metrics.api.urls")),  # before the one below, which answers the rest
    path("", include("llmconfig.api.urls")),
]
if apps.is_installed("enrichment.listings"):
    urlpatterns.append(path("", include("enrichment.listings.api.urls")))
urlpatterns.append(path("", include("enrichment.api.urls")))

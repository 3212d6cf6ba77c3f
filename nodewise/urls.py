"""Every address for a project's urls.py: `path("nodewise/", include("nodewise.urls"))`."""

from django.apps import apps
from django.urls import URLPattern, URLResolver, include, path

from llmconfig.api.kit.documentation import Operation, describe
from nodewise import gateway_view
from nodewise.health import LLMHealth, healthz, readyz

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

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz),
    path("readyz", readyz),
    path("api/health/llm", LLMHealth.as_view()),
    path("v1/<path:rest>", gateway_view.answer),
    path("", include("metrics.api.urls")),  # before the one below, which answers the rest
    path("", include("llmconfig.api.urls")),
]
if apps.is_installed("enrichment.listings"):
    urlpatterns.append(path("", include("enrichment.listings.api.urls")))
urlpatterns.append(path("", include("enrichment.api.urls")))

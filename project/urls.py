"""Every address of the product, by the app that serves it."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from llmconfig.api.kit.documentation import Operation, describe
from project.api_docs import DocsPage, Schema
from project.health import LLMHealth, healthz, readyz

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

urlpatterns = [
    path("admin/", admin.site.urls),
    path("healthz", healthz),
    path("readyz", readyz),
    path("api/health/llm", LLMHealth.as_view()),
    path("docs/api/schema/", Schema.as_view(), name="schema"),
    path("docs/api/", DocsPage.as_view(url_name="schema"), name="api-docs"),
    path("", include("metrics.api.urls")),  # before the one below, which answers the rest
    path("", include("llmconfig.api.urls")),
    path("", include("enrichment.listings.api.urls")),
    path("", include("enrichment.api.urls")),
]

if not settings.PRODUCTION:
    from project.embedded.demo.login import one_time_login

    urlpatterns.append(path("demo-login/<str:token>/", one_time_login))

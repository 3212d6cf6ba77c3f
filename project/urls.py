"""Every address of the product, by the app that serves it."""

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import include, path
from django.views.generic import RedirectView

admin.autodiscover()


def api_docs(request: HttpRequest) -> HttpResponseBase:
    """The API's documentation as a page; what draws it comes with the first reader."""
    from project.api_docs import DocsPage  # noqa: PLC0415 - it brings Django's test client

    return DocsPage.as_view(url_name="schema")(request)


def api_schema(request: HttpRequest) -> HttpResponseBase:
    """The API's documentation as an OpenAPI document."""
    from project.api_docs import Schema  # noqa: PLC0415 - the same

    return Schema.as_view()(request)


urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("docs/api/schema/", api_schema, name="schema"),
    path("docs/api/", api_docs, name="api-docs"),
    path("", include("nodewise.urls")),
]

if not settings.PRODUCTION:
    from project.embedded.demo.login import one_time_login

    urlpatterns.append(path("demo-login/<str:token>/", one_time_login))

"""Every address of the product, by the app that serves it."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from project.api_docs import DocsPage, Schema

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("docs/api/schema/", Schema.as_view(), name="schema"),
    path("docs/api/", DocsPage.as_view(url_name="schema"), name="api-docs"),
    path("", include("nodewise.urls")),
]

if not settings.PRODUCTION:
    from project.embedded.demo.login import one_time_login

    urlpatterns.append(path("demo-login/<str:token>/", one_time_login))

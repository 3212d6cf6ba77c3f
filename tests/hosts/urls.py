"""The project's addresses; Nodewise's stand under a prefix of its choice."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("backoffice/", admin.site.urls),
    path("models/", include("nodewise.urls")),
]

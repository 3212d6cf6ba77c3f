"""The API's documentation: for people with a role, at /docs/api/."""

from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.urls import reverse
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.exceptions import NotAuthenticated

from llmconfig.api.kit.permissions import RolePermission


class Schema(SpectacularAPIView):
    """The OpenAPI document; every role may read it."""

    permission_classes = [RolePermission]


class DocsPage(SpectacularSwaggerSplitView):
    """The document as a page; whoever isn't logged in is asked to."""

    permission_classes = [RolePermission]

    def handle_exception(self, exc: Exception) -> Any:
        """A browser without a login is sent to it."""
        if isinstance(exc, NotAuthenticated):
            return redirect_to_login(self.request.get_full_path(), reverse("admin:login"))
        return super().handle_exception(exc)

"""The admin's site: the theme's, without what its every page computed and ours never show."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from unfold.sites import UnfoldAdminSite


class ConsoleSite(UnfoldAdminSite):  # type: ignore[misc]  # the theme has no types
    """Pages name their tables in our sidebar; Django's list of them is made for who reads it."""

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """All tables of all apps with their permissions and addresses, once somebody looks.

        It is in every page's context, and making it took a seventh of a list's time.
        """
        return SimpleLazyObject(lambda: super(ConsoleSite, self).get_app_list(request, app_label))

    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        """Ours as it is: the theme would copy it deeply and ask each entry again who may see it."""
        from llmconfig.admin.kit.navigation import sidebar  # noqa: PLC0415 - its pages need the site

        return sidebar(request)

"""Django's own admin in the theme's place, for projects that don't install it."""

from django.contrib import admin
from django.contrib.admin import SimpleListFilter as DropdownFilter
from django.core.paginator import Paginator as UncountedPaginator

__all__ = ["DropdownFilter", "ModelAdmin", "TabularInline", "UncountedPaginator"]


class ModelAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic only for the checker
    """A table's page; the template puts our panels around Django's form."""

    change_form_template = "nodewise/plain/change_form.html"
    change_form_before_template: str | None = None
    change_form_outer_before_template: str | None = None
    change_form_outer_after_template: str | None = None

    class Media:
        css = {"all": ["llmconfig/admin.css", "llmconfig/plain.css"]}


class TabularInline(admin.TabularInline):  # type: ignore[type-arg]  # the same
    """Django's inline of dependent rows as a table, where no theme is installed."""

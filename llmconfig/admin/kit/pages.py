"""Where rows of any table are shown, if the project's admin shows them at all."""

from django.contrib import admin
from django.db.models import Model
from django.urls import NoReverseMatch, reverse


def row_page(model: type[Model], key: object) -> str:
    """The address of a row's page; blank where the admin has none for its table."""
    meta = model._meta  # noqa: SLF001 - Django's documented name
    if not admin.site.is_registered(model):
        return ""
    try:
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[key])
    except NoReverseMatch:
        return ""


def list_page(model: type[Model]) -> str:
    """The address of a table's list; blank where the admin has none."""
    meta = model._meta  # noqa: SLF001 - Django's documented name
    try:
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
    except NoReverseMatch:
        return ""

"""Gives columns and tables names that are translated, beside their models.

A verbose name in a field is part of the migrations; a name from here is not.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.apps import apps

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise


def name_columns(
    app_label: str,
    columns: "Mapping[str, StrPromise]",
    tables: "Mapping[str, tuple[StrPromise, StrPromise]]",
) -> None:
    """Name the fields that are called by their columns, and the tables: one and several.

    To be called where an app's models have been imported, before a form is made of them.
    """
    for model in apps.all_models[app_label].values():
        options = model._meta  # noqa: SLF001 - Django's public name for it
        if model.__name__ in tables:
            options.verbose_name, options.verbose_name_plural = tables[model.__name__]
        for field in options.local_fields:
            if field.name in columns and field.verbose_name == field.name.replace("_", " "):
                field.verbose_name = columns[field.name]

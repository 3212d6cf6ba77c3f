"""Saving a form leaves what nobody touched as it is: an unset text stays NULL, not blank."""

from typing import Any

from django.db import models
from django.http import HttpRequest

TEXTS = (models.CharField, models.TextField)


class KeepsUntouched:
    """For admin classes, before Django's own: a text column may tell unset (NULL) from blank."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Of a column that may be NULL, an emptied field means NULL."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        if isinstance(db_field, TEXTS) and db_field.null and hasattr(field, "empty_value"):
            field.empty_value = None
        return field

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        """The row as the form has it, with the stored value where nothing was typed."""
        row = super().save_form(request, form, change)  # type: ignore[misc]
        for name in form.fields.keys() - set(form.changed_data) if change else ():
            column = next((each for each in row._meta.fields if each.name == name), None)  # noqa: SLF001 - documented
            if isinstance(column, TEXTS) and column.null and name in form.initial:
                setattr(row, name, form.initial[name])
        return row


class NamesFields:
    """For rows edited in a table, whose fields have no visible label of their own."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The field, named for readers of the screen by its column's heading."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        if field is not None:
            widget = getattr(field.widget, "widget", field.widget)
            name = str(field.label or db_field.verbose_name)
            for each in getattr(widget, "widgets", [widget]):
                each.attrs.setdefault("aria-label", name)
        return field

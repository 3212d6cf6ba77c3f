"""Forms of rows that name models: those must be listed, unless one says that they exist."""

from typing import Any

from django import forms

from llmconfig.configuration.listing import ALLOWED, COLUMNS, refuse_unlisted
from llmconfig.errors import ChangeRefused


class ListedModelsForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only for the checker
    """Refuses models that no enabled provider lists, where they are named anew."""

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        given = self.cleaned_data if cleaned is None else cleaned
        table = type(self.instance)
        names = {*COLUMNS[table], *COLUMNS[table].values(), ALLOWED} - {""}
        stored = {name: getattr(self.instance, name, None) for name in names}
        new = {**stored, **{name: each for name, each in given.items() if name in names}}
        try:
            refuse_unlisted(table, new, stored)
        except ChangeRefused as refusal:
            self.add_error(refusal.field if refusal.field in self.fields else None, str(refusal))
        return cleaned

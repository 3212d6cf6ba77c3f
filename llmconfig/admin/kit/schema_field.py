"""A JSON Schema in a form, as text that a person can read."""

import json
from typing import Any

from django import forms
from django.forms.fields import InvalidJSONInput

from llmconfig.admin.kit.theme import TextareaWidget


class SchemaField(forms.JSONField):
    """JSON as indented text; blank, not `null`, where there is none."""

    def __init__(self, **options: Any) -> None:
        rows = TextareaWidget(attrs={"rows": 6, "spellcheck": "false"})
        super().__init__(widget=rows, **options)

    def prepare_value(self, value: Any) -> Any:
        """Lines that a person can read."""
        if value is None:
            return ""
        return value if isinstance(value, InvalidJSONInput) else json.dumps(value, indent=2)

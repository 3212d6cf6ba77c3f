"""Which tables and columns of the project may be enriched without any code.

LLM_ENRICHABLE names apps and models. Without it these are the project's own: all but Nodewise's,
Django's, REST framework's, axes' logs of who signed in, and the users. Columns that hold secrets
are never offered.
"""

import re
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import (
    BinaryField,
    CharField,
    Field,
    ForeignKey,
    JSONField,
    Model,
    TextField,
)

from enrichment.models import Enrichable
from llmconfig import project_settings

OTHERS = (
    "django",
    "rest_framework",
    "axes",
    "llmconfig",
    "metrics",
    "enrichment",
)  # packages of apps
EXAMPLES = ("enrichment.listings",)  # of ours, but a table like a project's own
# What a prompt can name (enrichment.substitution), through one foreign key at most.
_NAMEABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET = re.compile(
    r"passw|passphrase|secret|token|credential|private_?key|api_?key|(?:^|_)(?:otp|pin|salt)(?:_|$)",
    re.IGNORECASE,
)


def labels() -> list[str]:
    """The tables that may be enriched, as app.Model, sorted."""
    return sorted(each._meta.label for each in apps.get_models() if _is_open(each))  # noqa: SLF001


def is_open(target: str) -> bool:
    """Whether the admin may declare an enrichment of this table."""
    try:
        return _is_open(model_of(target))
    except (LookupError, ValueError):
        return False


def model_of(target: str) -> type[Model]:
    """The model of app.Model; raises LookupError or ValueError where there is none."""
    return apps.get_model(target)


def readable(model: type[Model]) -> dict[str, str]:
    """Columns that prompts may use, with what they are called: its own, and by foreign keys."""
    found: dict[str, str] = {}
    for field in _columns(model):
        if isinstance(field, ForeignKey):
            if field.remote_field.parent_link:  # its columns are the row's own
                continue
            if isinstance(field.related_model, type) and not _holds_people(field.related_model):
                for column, title in _texts(field.related_model):
                    found[f"{field.name}__{column}"] = f"{_title(field)}: {title}"
        elif not isinstance(field, BinaryField):
            found[field.name] = _title(field)
    return {name: title for name, title in found.items() if _NAMEABLE.fullmatch(name)}


def writable(model: type[Model]) -> dict[str, str]:
    """Text and JSON columns that an answer can be written to, with what they are called."""
    return {field.name: _title(field) for field in _columns(model) if is_writable(field)}


def is_writable(field: "Field[Any, Any]") -> bool:
    """Whether a column takes texts or JSON that a person could have written."""
    return isinstance(field, CharField | TextField | JSONField) and not field.primary_key


def _is_open(model: type[Model]) -> bool:
    meta = model._meta  # noqa: SLF001 - Django's documented name
    if meta.proxy or meta.swapped or meta.auto_created:
        return False
    named = project_settings.enrichable()
    if named:
        return meta.app_label in named or meta.label in named
    app = apps.get_app_config(meta.app_label).name
    ours = app.partition(".")[0] in OTHERS and app not in EXAMPLES
    return not ours and not _holds_people(model)


def _holds_people(model: type[Model]) -> bool:
    """Whether people sign in by its rows."""
    return issubclass(model, AbstractBaseUser) or model is get_user_model()


def _columns(model: type[Model]) -> Iterator["Field[Any, Any]"]:
    fields = model._meta.concrete_fields  # noqa: SLF001 - Django's documented name
    kept = {each.name for each in Enrichable._meta.fields}  # noqa: SLF001 - the engine's own
    return (each for each in fields if each.name not in kept and not _SECRET.search(each.name))


def _texts(model: type[Model]) -> Iterator[tuple[str, str]]:
    """What says in words which row it is that a foreign key leads to."""
    return (
        (each.name, _title(each))
        for each in _columns(model)
        if isinstance(each, CharField | TextField)
    )


def _title(field: "Field[Any, Any]") -> str:
    return str(field.verbose_name)

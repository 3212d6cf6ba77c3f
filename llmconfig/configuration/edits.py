"""What others changed in a row since somebody read it: for forms, and for If-Match in the API."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.apps import apps
from django.db.models import Max, Model, Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext

from llmconfig.models import RevisionChange


def traces_of(rows: Iterable[Model]) -> Q:
    """Where the history keeps the changes of these rows; of no rows, nowhere."""
    by_table: dict[str, list[str]] = {}
    for row in rows:
        by_table.setdefault(row._meta.db_table, []).append(str(row.pk))  # noqa: SLF001 - Django's API
    found = Q(pk__in=())
    for table, keys in by_table.items():
        found |= Q(table_name=table, row_key__in=keys)
    return found


def version(traces: Q) -> int:
    """The newest revision that left one of these traces, 0 if none did."""
    newest = RevisionChange.objects.filter(traces).aggregate(newest=Max("revision_id"))["newest"]
    return int(newest or 0)


def changes_since(seen: int, traces: Q) -> list[RevisionChange]:
    """What others changed after a revision, oldest first."""
    rows = RevisionChange.objects.filter(traces, revision_id__gt=seen)
    return list(rows.select_related("revision__user").order_by("pk"))


def in_words(changes: list[RevisionChange], *, named: bool = False) -> str:
    """Who changed what and when; of several revisions the last one's author. Without a full stop.

    With `named`, fields have their names for people instead of their columns'. Raises IndexError
    when nothing changed.
    """
    revision = changes[-1].revision
    somebody = gettext("Somebody ({source})").format(source=revision.source)
    fields = (_changed_fields(each, _names(each.table_name) if named else {}) for each in changes)
    return gettext(
        "{who} changed this after you read it (revision {number}, {when}): {fields}"
    ).format(
        who=str(revision.user) if revision.user else somebody,
        number=revision.number,
        when=date_format(timezone.localtime(revision.created_at), "DATETIME_FORMAT"),
        fields="; ".join(filter(None, fields)),
    )


def _names(table: str) -> Mapping[str, str]:
    """What people call a table's columns."""
    options = next((m._meta for m in apps.get_models() if m._meta.db_table == table), None)  # noqa: SLF001 - Django's API
    fields = [] if options is None else options.local_fields
    return {each.column: str(each.verbose_name) for each in fields if each.column}


def _changed_fields(each: RevisionChange, names: Mapping[str, str]) -> str:
    before, after = each.before or {}, each.after or {}
    if not before or not after:
        return gettext("removed") if before else gettext("added")
    return ", ".join(
        f"{names.get(name, name)} {_short(before.get(name))} → {_short(after[name])}"
        for name in after
        if after[name] != before.get(name) and name != "updated_at"
    )


def _short(value: Any) -> str:
    text = gettext("blank") if value in (None, "", []) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"

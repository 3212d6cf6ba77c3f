"""The configuration as it was at an earlier revision, written as a new revision.

A row's state at revision N is the `before` of the earliest change that came later; a row that has
not changed since is as it is. This holds for every table whose trigger writes the history, so a new
table needs nothing here.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.apps import apps
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, connection, transaction
from django.db.models import CASCADE, SET_NULL, Field
from django.db.models.expressions import BaseExpression
from django.utils import timezone
from django.utils.translation import gettext
from msgspec import Struct

from llmconfig.configuration import provider_rules
from llmconfig.configuration.revisions import change
from llmconfig.errors import ChangeRefused
from llmconfig.models import ConfigVersion, Provider, Revision
from llmconfig.roles import User
from llmconfig.runtime.records import replace

# What the history's trigger doesn't count as configuration, and what it never writes down.
QUIET = frozenset({"updated_at", "validated_at", "validation_error", "synced_values"})
HIDDEN = frozenset({"api_key"})
PROVIDERS = Provider._meta.db_table  # noqa: SLF001 - Django's API
NO_KEY = {"api_key": "", "key_last4": "", "key_fingerprint": ""}

Row = dict[str, Any]  # a row as JSON, by column


class RowChange(Struct, frozen=True):
    """What a rollback does to one row, as the history will show it; None where there is none."""

    table_name: str
    row_key: str
    before: Row | None
    after: Row | None


class Rollback(Struct, frozen=True):
    """What going back to revision `to` changes, or has changed; `notes` are for a person to act on.

    `revision` is the new revision, None for a preview and when nothing differed.
    """

    to: int
    changes: tuple[RowChange, ...]
    notes: tuple[str, ...]
    revision: int | None = None


def preview(to: int) -> Rollback:
    """What `roll_back` would do now; writes nothing. Raises ChangeRefused."""
    _check_known(to)
    return _Plan(to).report()


def roll_back(
    to: int, *, source: str, user: User | None = None, seen: int | None = None
) -> Rollback:
    """Make the configuration exactly what it was at revision `to`, as one new revision.

    Keys are in no history: a provider whose key can't be the right one any more is disabled until
    it is entered again, and a note says so. `seen` is the revision whose preview was agreed to.
    Raises ChangeRefused when the state has moved on from it, and when a row can't be restored.
    """
    _check_known(to)
    with transaction.atomic():
        _keep_others_out()
        current = _current_revision()
        if seen is not None and seen != current:
            raise ChangeRefused(
                gettext(
                    "The configuration has changed since you looked (revision {seen}, now "
                    "{current}): look at the difference again."
                ).format(seen=seen, current=current),
                field="seen",
            )
        plan = _Plan(to)
        message = " ".join([f"Rolled back to revision {to}.", *plan.notes])
        with change(source=source, user=user, message=message) as made:
            plan.write()
    return replace(plan.report(), revision=made.number)


def _check_known(to: int) -> None:
    if not Revision.objects.filter(pk=to).exists():
        raise ChangeRefused(
            gettext("There is no revision {to}; the newest is {current_revision}.").format(
                to=to, current_revision=_current_revision()
            ),
            field="to",
        )


def _current_revision() -> int:
    return ConfigVersion.objects.values_list("revision", flat=True).first() or 0


def _config_tables() -> list[str]:
    """Every table whose changes are history, by its trigger."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " JOIN pg_proc p ON p.oid = t.tgfoid WHERE p.proname = 'llm_record_change'"
            " AND pg_table_is_visible(c.oid) ORDER BY 1"
        )
        return [name for (name,) in cursor.fetchall()]


def _keep_others_out() -> None:
    """Writers wait until the rollback has ended; readers don't."""
    quoted = ", ".join(map(connection.ops.quote_name, _config_tables()))
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {quoted} IN SHARE ROW EXCLUSIVE MODE")


class _Plan:
    """The rows that differ between now and then."""

    def __init__(self, to: int) -> None:
        self.to = to
        self.notes: list[str] = []
        tables = _config_tables()
        known = {
            model._meta.db_table: model  # noqa: SLF001 - Django's API
            for model in apps.get_models()
            if model._meta.managed  # noqa: SLF001
        }
        self.models = {name: known[name] for name in tables if name in known}
        self.rows = [each for each in self._differences() if _differs(each)]

    def report(self) -> Rollback:
        """The plan without what is secret."""
        return Rollback(
            to=self.to,
            changes=tuple(
                replace(each, before=_shown(each.before), after=_shown(each.after))
                for each in self.rows
            ),
            notes=tuple(self.notes),
        )

    def write(self) -> None:
        """Carry it out inside the caller's transaction."""
        gone = [each for each in self.rows if each.after is None]
        for each in gone:
            self._drop_dependants(each)
        self._delete(gone)
        stuck = self._save_all([each for each in self.rows if each.after is not None])
        # Rows that traded a unique value block one another until all of them are out of the way.
        self._delete(each for each in stuck if each.before is not None)
        stuck = self._save_all([replace(each, before=None) for each in stuck])
        if stuck:
            each = stuck[0]
            raise ChangeRefused(
                gettext(
                    "{table_name} {row_key} can't be as it was at revision {to}: it breaks a rule "
                    "of today's tables."
                ).format(table_name=each.table_name, row_key=each.row_key, to=self.to),
                field="to",
            )
        _check_references(self.to)

    # What differs

    def _differences(self) -> Iterator[RowChange]:
        then = self._then()
        now = {name: self._now(name, keys) for name, keys in _keys_by_table(then).items()}
        for (table, key), (stored, last) in then.items():
            current = now[table].get(key)
            wanted = None if stored is None else self._wanted(table, stored, last, current)
            yield RowChange(table, key, current, wanted)

    def _then(self) -> dict[tuple[str, str], tuple[Row | None, Row | None]]:
        """For each row changed since, its state at the revision, and the last that was known."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT table_name, row_key, (array_agg(before ORDER BY id))[1],"
                " (array_agg(before ORDER BY id DESC))[1] FROM llm_revision_changes"
                " WHERE revision_id > %s AND table_name = ANY(%s)"
                " GROUP BY table_name, row_key ORDER BY min(id)",
                [self.to, list(self.models)],
            )
            return {
                (table, key): (_loaded(first), _loaded(last))
                for table, key, first, last in cursor.fetchall()
            }

    def _now(self, table: str, keys: list[str]) -> dict[str, Row]:
        quoted = connection.ops.quote_name(table)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT id::text, to_jsonb(t) FROM {quoted} t WHERE id::text = ANY(%s)",  # noqa: S608 - a quoted name
                [keys],
            )
            return {key: _loaded(row) or {} for key, row in cursor.fetchall()}

    def _wanted(self, table: str, stored: Row, last: Row | None, current: Row | None) -> Row | None:
        """The row to write, by today's columns; None if it can't come back."""
        kept = current or last or stored
        wanted: Row = {}
        for field in self._fields(table):
            column = field.column
            if column in QUIET:
                wanted[column] = kept.get(column, _default(field))
            elif column in stored:
                wanted[column] = stored[column]
            else:
                wanted[column] = _default(field)
        if table == PROVIDERS:
            self._settle_key(wanted, stored, current)
        return wanted if self._can_refer(table, wanted) else current

    def _fields(self, table: str) -> Iterable[Any]:  # concrete fields have a column
        return self.models[table]._meta.local_concrete_fields  # noqa: SLF001 - Django's API

    def _settle_key(self, wanted: Row, stored: Row, current: Row | None) -> None:
        """Keep the present key where it may go and belongs; else none, and say what to do."""
        held = current or {}
        name, had_key = wanted["name"], bool(stored.get("key_fingerprint"))
        present = {column: held.get(column, "") for column in NO_KEY}
        wanted.update(present)
        same = present["key_fingerprint"] == stored.get("key_fingerprint", "")
        if present["api_key"] and same and not _moved(held, wanted):
            return
        if not had_key:
            wanted.update(NO_KEY)
            if present["api_key"]:
                self.notes.append(f"{name}: its stored key, which came later, is removed.")
            return
        if present["api_key"] and not _moved(held, wanted):
            self.notes.append(f"{name} keeps its present key, not the one it had then.")
            return
        why = (
            "its address changes, and a key doesn't follow to another server"
            if present["api_key"]
            else "its key is gone, since no history holds keys"
        )
        note = f"{name} is disabled: {why}. Enter the key again, then enable it."
        self.notes.append(note)
        wanted.update(NO_KEY, is_enabled=False, validated_at=None, validation_error=note)

    def _can_refer(self, table: str, wanted: Row) -> bool:
        """Whether what the row points at outside the configuration still exists."""
        for field in self._fields(table):
            related = field.related_model
            value = wanted[field.column]
            if related is None or value is None or related._meta.db_table in self.models:  # noqa: SLF001
                continue
            if related._base_manager.filter(pk=value).exists():  # noqa: SLF001 - Django's API
                continue
            if field.null:
                wanted[field.column] = None
                continue
            name = related._meta.verbose_name  # noqa: SLF001
            self.notes.append(f"{table} {wanted['id']} stays away: its {name} {value} is gone.")
            return False
        return True

    # Writing

    def _delete(self, rows: Iterable[RowChange]) -> None:
        """Without Django's cascades: what belongs to a row is in the plan itself."""
        for each in rows:
            matching = self.models[each.table_name]._base_manager.filter(pk=each.row_key)  # noqa: SLF001
            matching._raw_delete(connection.alias)  # noqa: SLF001 - FKs are deferred

    def _drop_dependants(self, gone: RowChange) -> None:
        """What hangs on a row and is no configuration, such as a budget's ledger."""
        for relation in self.models[gone.table_name]._meta.related_objects:  # noqa: SLF001
            model, field = relation.related_model, relation.field
            if not isinstance(model, type) or model._meta.db_table in self.models:  # noqa: SLF001
                continue
            rows = model._base_manager.filter(**{field.name: gone.row_key})  # noqa: SLF001
            if relation.on_delete is CASCADE:
                rows.delete()
            elif relation.on_delete is SET_NULL:
                rows.update(**{field.name: None})

    def _save_all(self, rows: list[RowChange]) -> list[RowChange]:
        """Write what can be written, in whatever order goes; gives back the rest."""
        pending = rows
        while pending:
            blocked = [each for each in pending if not self._save(each)]
            if len(blocked) == len(pending):
                break
            pending = blocked
        return pending

    def _save(self, row: RowChange) -> bool:
        model = self.models[row.table_name]
        instance = model()
        for field in self._fields(row.table_name):
            value = (row.after or {})[field.column]
            if field.column == "updated_at":
                value = timezone.now()
            elif not isinstance(value, BaseExpression):
                value = field.to_python(value)
            setattr(instance, field.attname, value)
        try:
            with transaction.atomic():
                # Raw: the row as it is told, without auto_now and its like.
                instance.save_base(
                    raw=True, force_insert=row.before is None, force_update=row.before is not None
                )
        except IntegrityError:
            return False
        return True


def _differs(row: RowChange) -> bool:
    now, then = row.before, row.after
    if now is None or then is None:
        return now is not then
    return any(now.get(name) != then[name] for name in then if name not in QUIET)


def _moved(current: Row, wanted: Row) -> bool:
    """Whether a provider's requests would go to another server."""
    try:
        return provider_rules.goes_elsewhere(
            (current["provider_type"], current["api_base_url"]),
            (wanted["provider_type"], wanted["api_base_url"]),
        )
    except ChangeRefused:  # an address that can't be read may be any
        return True


def _default(field: "Field[Any, Any]") -> Any:
    """What a column gets that the stored row doesn't know."""
    value = field.get_default()
    if isinstance(value, BaseExpression):
        return value
    return json.loads(json.dumps(value, cls=DjangoJSONEncoder))


def _keys_by_table(rows: Iterable[tuple[str, str]]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for table, key in rows:
        found.setdefault(table, []).append(key)
    return found


def _loaded(value: Any) -> Row | None:
    """JSON as the driver gives it: Django's has it as text."""
    loaded: Row | None = json.loads(value) if isinstance(value, str) else value
    return loaded


def _shown(row: Row | None) -> Row | None:
    if row is None:
        return None
    return {
        name: None if isinstance(value, BaseExpression) else value
        for name, value in row.items()
        if name not in HIDDEN
    }


def _check_references(to: int) -> None:
    """Have the database check the rows' references now; raises ChangeRefused."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    except IntegrityError as error:
        raise ChangeRefused(
            gettext(
                "Revision {to} can't be restored: a row outside the configuration still needs "
                "one that it didn't have ({partition})."
            ).format(to=to, partition=str(error).partition(chr(10))[0]),
            field="to",
        ) from error

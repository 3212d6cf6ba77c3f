"""Whether an enrichment fits its table: by the models alone, before any row is read."""

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import FieldDoesNotExist, FieldError
from django.db import DEFAULT_DB_ALIAS, router
from django.db.models import CharField, Field, IntegerField, JSONField, Model, TextField, UUIDField
from django.utils.translation import gettext
from msgspec import Struct

from enrichment.enrichments.contract import Enrichment
from enrichment.models import EnrichmentResult


class Misfit(Struct, frozen=True):
    """What doesn't fit: the attribute it is about, a sentence and the way out.

    `number` is that of the system check; what `is_fatal` can't be used at all.
    """

    number: str
    field: str
    text: str
    hint: str = ""

    @property
    def is_fatal(self) -> bool:
        return self.number.startswith("E")


def misfits(enrichment: Enrichment) -> Iterator[Misfit]:
    """All of them; the first alone where there is no such table."""
    target = enrichment.target
    try:
        model = enrichment.model()
    except (LookupError, ValueError):
        text = gettext("there is no model {target!r}.").format(target=target)
        hint = gettext("Write target as app_label.ModelName.")
        yield Misfit("E001", "target", text, hint)
        return
    yield from _of_key(target, model._meta.pk)  # noqa: SLF001 - Django's documented name
    if not enrichment.in_batches:
        return
    alias = router.db_for_write(model)
    if alias != DEFAULT_DB_ALIAS:
        yield Misfit(
            "E003",
            "target",
            gettext(
                "{target} is in the database {alias!r}, and results are written beside the rows in"
                " {other!r}."
            ).format(target=target, alias=alias, other=DEFAULT_DB_ALIAS),
            gettext("Enrich a copy of the table there, or call the model with llm.generate."),
        )
    yield from _of_read(enrichment, model)
    if enrichment.writes:
        yield from _of_written(enrichment)


def _of_key(target: str, key: Any) -> Iterator[Misfit]:
    while getattr(key, "remote_field", None):  # a child's key is its parent's
        key = key.target_field
    if not isinstance(key, IntegerField | UUIDField | CharField):
        kind = type(key).__name__
        yield Misfit(
            "E002",
            "target",
            gettext(
                "the key of {target} is a {kind}. Keys may be whole numbers, UUIDs or texts."
            ).format(target=target, kind=kind),
            gettext(
                "Give the table one such key of its own; what was its key becomes a"
                " UniqueConstraint."
            ),
        )
        return
    longest = EnrichmentResult._meta.get_field("row_id").max_length or 0  # noqa: SLF001
    if isinstance(key, CharField) and (key.max_length is None or key.max_length > longest):
        yield Misfit(
            "W002",
            "target",
            gettext(
                "keys of {target} may have {number} characters; rows with more than {longest} can't"
                " be enriched."
            ).format(
                target=target, number=key.max_length or gettext("any number of"), longest=longest
            ),
        )


def _of_read(enrichment: Enrichment, model: type[Model]) -> Iterator[Misfit]:
    try:
        enrichment.rows().values(*enrichment.reads)
    except FieldError as error:
        text = gettext("reads names what {target} doesn't have. {error}").format(
            target=enrichment.target, error=error
        )
        yield Misfit("E004", "reads", text)
        return
    for column in enrichment.reads:
        if _leads_to_several(model, column):
            yield Misfit(
                "E006",
                "reads",
                gettext("reads names {column!r}, of which a row may have several.").format(
                    column=column
                ),
                gettext("Keep what the prompt needs of them in a column of the row."),
            )


def _leads_to_several(model: type[Model], path: str) -> bool:
    """Whether a step of the path leads to more than one row."""
    at: Any = model
    for step in path.split("__"):
        try:
            field = at._meta.get_field(step)  # noqa: SLF001 - Django's documented name
        except FieldDoesNotExist:  # `pk`, or a key inside JSON
            return False
        if field.many_to_many or field.one_to_many:
            return True
        if not field.is_relation:
            return False
        at = field.related_model
    return False


def _of_written(enrichment: Enrichment) -> Iterator[Misfit]:
    wants_json = enrichment.by_variant
    try:
        column: Field[Any, Any] | None = enrichment.column()
    except (FieldDoesNotExist, TypeError):
        column = None
    text = isinstance(column, TextField | CharField) and not wants_json
    if column is None or not (text or isinstance(column, JSONField)):
        wanted = (
            gettext("writes names {column!r}, which is not a JSON column of {target}.")
            if wants_json
            else gettext("writes names {column!r}, which is not a text or JSON column of {target}.")
        )
        yield Misfit(
            "E005", "writes", wanted.format(column=enrichment.writes, target=enrichment.target)
        )
    elif not _share_key(enrichment.model(), column.model):
        yield Misfit(
            "E005",
            "writes",
            gettext(
                "writes names {column!r}, inherited from a table whose rows have other keys."
            ).format(column=enrichment.writes),
        )


def _share_key(model: Any, parent: type[Model]) -> bool:
    """Whether a row's key is that of its part in the parent's table."""
    at = model._meta.concrete_model  # noqa: SLF001 - Django's documented name
    while at is not parent and getattr(at._meta.pk, "remote_field", None):  # noqa: SLF001
        at = at._meta.pk.related_model  # noqa: SLF001
    return at is parent

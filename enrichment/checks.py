"""System checks of enrichment: what declared enrichments can't do, and what sources may not read.

Those of the database run with `check --database` and `migrate`.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from django.apps import AppConfig
from django.core.checks import (  # Django's names
    CheckMessage,
    Error,
    Tags,
    Warning,  # noqa: A004
    register,
)
from django.core.exceptions import FieldDoesNotExist, FieldError
from django.db.models import CharField, Field, IntegerField, JSONField, TextField, UUIDField

from enrichment.models import Enrichable, EnrichmentResult, FactSource
from llmconfig.checks import unreadable_references

if TYPE_CHECKING:
    from enrichment.enrichments.contract import Enrichment


@register(Tags.database)
def references_may_be_read(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """A source's reference that the setting doesn't allow is read no more: say so beforehand."""
    return unreadable_references(FactSource, "The source of facts", databases, id="enrichment.W001")


@register(Tags.models)
def enrichments_fit_their_tables(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """A registered enrichment whose table, key or columns don't do: say so before a batch does."""
    from enrichment import enrichments  # noqa: PLC0415 - it brings what calls models

    return [message for name in enrichments.names() for message in _misfits(enrichments.get(name))]


def _misfits(enrichment: "Enrichment") -> Iterator[CheckMessage]:
    said = f"The enrichment {enrichment.name!r}"
    try:
        model = enrichment.model()
    except (LookupError, ValueError):
        yield Error(
            f"{said}: there is no model {enrichment.target!r}.",
            hint="Write target as app_label.ModelName.",
            id="enrichment.E001",
        )
        return
    key = model._meta.pk  # noqa: SLF001 - Django's documented name
    yield from _of_key(said, enrichment.target, key)
    if not enrichment.in_batches:
        return
    columns = {each.name for each in model._meta.get_fields()}  # noqa: SLF001
    if not {each.name for each in Enrichable._meta.fields} <= columns:  # noqa: SLF001
        yield Error(
            f"{said}: {enrichment.target} has no columns for when and by which model.",
            hint="Derive the model from enrichment.models.Enrichable, and make a migration.",
            id="enrichment.E003",
        )
    try:
        enrichment.rows().values(*enrichment.reads)
    except FieldError as error:
        yield Error(
            f"{said}: reads names what {enrichment.target} doesn't have. {error}",
            id="enrichment.E004",
        )
    yield from _of_written(said, enrichment)


def _of_key(said: str, target: str, key: Any) -> Iterator[CheckMessage]:
    while getattr(key, "remote_field", None):  # a child's key is its parent's
        key = key.target_field
    if not isinstance(key, IntegerField | UUIDField | CharField):
        kind = type(key).__name__
        yield Error(
            f"{said}: the key of {target} is a {kind}. Keys may be whole numbers, UUIDs or texts.",
            hint="Give the table one such key of its own; what was its key becomes a"
            " UniqueConstraint.",
            id="enrichment.E002",
        )
        return
    longest = EnrichmentResult._meta.get_field("row_id").max_length or 0  # noqa: SLF001
    if isinstance(key, CharField) and (key.max_length is None or key.max_length > longest):
        yield Warning(
            f"{said}: keys of {target} may have {key.max_length or 'any number of'} characters;"
            f" rows with more than {longest} can't be enriched.",
            id="enrichment.W002",
        )


def _of_written(said: str, enrichment: "Enrichment") -> Iterator[CheckMessage]:
    wants_json = enrichment.by_variant
    try:
        column: Field[Any, Any] | None = enrichment.column()
    except (FieldDoesNotExist, TypeError):
        column = None
    text = isinstance(column, TextField | CharField) and not wants_json
    if not (text or isinstance(column, JSONField)):
        wanted = "a JSON column" if wants_json else "a text or JSON column"
        yield Error(
            f"{said}: writes names {enrichment.writes!r}, which is not {wanted} of"
            f" {enrichment.target}.",
            id="enrichment.E005",
        )

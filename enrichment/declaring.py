"""Declaring an enrichment without code: the rules of a declaration, storing it, a look at a row.

The row of `DeclaredEnrichment` is configuration; its wording is a prompt like any other, so that
another wording is another version, and rows made with the one before are stale.
"""

from collections.abc import Sequence
from typing import Any

from django.db import DatabaseError, transaction
from django.utils.translation import gettext
from msgspec import Struct

from enrichment import enrichments
from enrichment.engine import refusals, writing
from enrichment.enrichments import tables
from enrichment.enrichments.contract import PromptText
from enrichment.enrichments.declared import (
    Declaration,
    DeclaredKind,
    UnusableDeclaration,
    kind_of,
)
from enrichment.errors import BadDeclaration, BadPrompt, BadSelection
from enrichment.facts import source_rules
from enrichment.language_tags import checked_language
from enrichment.models import Batch, DeclaredEnrichment, Prompt
from enrichment.models.batches import TERMINAL
from enrichment.prompts import versions
from enrichment.prompts.selection import CompiledPrompt, compile_prompt
from llmconfig.client.types import Message
from llmconfig.configuration import node_names
from llmconfig.errors import ChangeRefused
from llmconfig.models import InteractionType, NodeConfiguration

LOOKED_AT = 50  # rows, to find one that says something


class RowPreview(Struct, frozen=True):
    """What would be sent about a row; `note` says why it wouldn't be, blank where it would."""

    row_id: str
    row_name: str
    messages: Sequence[Message]
    note: str


def check(row: DeclaredEnrichment, wording: PromptText) -> DeclaredKind:
    """The enrichment that a row declares; raises BadDeclaration naming the field.

    The table is asked whether it can be written as declared; nothing is.
    """
    if row.name in {each.name for each in enrichments.coded()}:
        raise BadDeclaration(
            gettext("An app registers an enrichment of this name already."), field="name"
        )
    _check_columns(row)
    _check_node(row)
    if row.answers_in:
        _check_language(row.answers_in)
    try:
        kind = kind_of(Declaration.of(row, wording))
    except UnusableDeclaration as error:
        raise BadDeclaration(str(error), field=error.field) from None
    _check_wording(kind, wording)
    try:
        with transaction.atomic():
            writing.rehearse(kind)
    except DatabaseError as error:
        if not refusals.is_refusal(error):
            raise
        raise BadDeclaration(
            gettext("It can't be written. {why}").format(why=refusals.why(error)), field="writes"
        ) from None
    return kind


def declare(row: DeclaredEnrichment, wording: PromptText) -> None:
    """Store a checked declaration: with its node, where it gets one of its own, and its wording.

    Call it inside `revisions.change`.
    """
    if not row.node:
        row.node = row.name
        NodeConfiguration.objects.get_or_create(
            node_name=row.name,
            defaults={
                "interaction_type": InteractionType.ENRICHER,
                "description": f"Made for the enrichment {row.label}.",
            },
        )
    row.save()
    now = versions.in_use(row.name)
    if now is None or not now.is_active or wording_of(row.name) != wording:
        note = "Written with the enrichment."
        versions.add(row.name, system=wording.system, user=wording.user, note=note)


def wording_of(name: str) -> PromptText:
    """The wording in use for all that have none of their own; blank where there is none."""
    found = versions.in_use(name)
    return PromptText(found.system, found.user) if found else PromptText("", "")


def unfinished_batches(row: DeclaredEnrichment) -> int:
    """How many of its batches have not ended; while there are any, it isn't removed."""
    return Batch.objects.filter(enrichment=row.name).exclude(status__in=TERMINAL).count()


def only_wording(prompt: Prompt) -> bool:
    """Whether a declared enrichment would have nothing to say without this prompt in use."""
    return (
        prompt.is_active
        and prompt.organization_id is None
        and DeclaredEnrichment.objects.filter(name=prompt.enrichment).exists()
    )


def preview(kind: DeclaredKind, *, row_id: str = "") -> RowPreview:
    """The messages about a row: the named one, else the first that says something.

    Raises BadSelection where there is no such row, or none at all.
    """
    rows = kind.rows().order_by("pk")
    if row_id:
        rows = rows.filter(pk=kind.checked_key(row_id))
    found = list(rows.values("pk", *kind.reads)[:LOOKED_AT])
    if not found:
        said = f"row_id: {kind.target} has no such row." if row_id else f"{kind.target} has no row."
        raise BadSelection(said, field="row_id")
    looked_at = [(row, kind.values(row, variant="")) for row in found]
    row, values = next(
        (each for each in looked_at if not kind.skip_reason(each[1], variant="")), looked_at[0]
    )
    prompt = _compiled(kind, kind.prompt)
    return RowPreview(
        row_id=str(row["pk"]),
        row_name=str(kind.rows().get(pk=row["pk"])),
        messages=prompt.messages({**dict.fromkeys(prompt.fact_names, "…"), **values}),
        note=kind.skip_reason(values, variant=""),
    )


def _check_columns(row: DeclaredEnrichment) -> None:
    if not tables.is_open(row.target):
        there = ", ".join(tables.labels()) or "none; LLM_ENRICHABLE names them"
        raise BadDeclaration(
            gettext("{target!r} is no table that may be enriched; there are {there}.").format(
                target=row.target, there=there
            ),
            field="target",
        )
    model: Any = tables.model_of(row.target)
    known = tables.readable(model)
    if not row.reads:
        raise BadDeclaration(gettext("Choose at least one column."), field="reads")
    for column in row.reads:
        if row.reads.count(column) > 1:
            raise BadDeclaration(
                gettext("{column} is named twice.").format(column=column), field="reads"
            )
        if column not in known:
            raise BadDeclaration(_no_column(column, row.target, known), field="reads")
    writable = tables.writable(model)
    if row.writes and row.writes not in writable:
        raise BadDeclaration(
            gettext("{no_column} Answers go to text and JSON columns.").format(
                no_column=_no_column(row.writes, row.target, writable)
            ),
            field="writes",
        )


def _no_column(column: str, target: str, known: dict[str, str]) -> str:
    if not known:
        return gettext("{target} has no column for this.").format(target=target)
    return gettext("{target} has no column {column!r} for this; there are {names}.").format(
        target=target, column=column, names=", ".join(known)
    )


def _check_node(row: DeclaredEnrichment) -> None:
    if row.node:
        if not NodeConfiguration.objects.filter(node_name=row.node).exists():
            raise BadDeclaration(
                gettext("There is no node {node!r}.").format(node=row.node), field="node"
            )
        return
    try:
        node_names.refuse_taken(row.name)
    except ChangeRefused as refusal:
        raise BadDeclaration(
            gettext("A node of its own would be called {name!r}. {refusal}").format(
                name=row.name, refusal=refusal
            ),
            field="name",
        ) from None


def _check_language(tag: str) -> None:
    try:
        checked_language(tag)
    except BadSelection as refusal:
        said = str(refusal).partition(": ")[2] or str(refusal)
        raise BadDeclaration(said, field="answers_in") from None


def _check_wording(kind: DeclaredKind, wording: PromptText) -> None:
    names: set[str] = set()
    for field, text in (("system", wording.system), ("user", wording.user)):
        try:
            compiled = compile_prompt(
                kind, system="", user=text, version=0, facts=source_rules.offered(kind)
            )
        except BadPrompt as refusal:
            said = str(refusal).removeprefix(f"{kind.name} v0: ")
            raise BadDeclaration(said, field=field) from None
        names |= compiled.user.names
    unused = [each for each in kind.reads if each.lower() not in names]
    if unused:
        raise BadDeclaration(
            gettext(
                "The prompt doesn't use {{{{{unused}}}}}: put it in, or don't read {unused_2}."
            ).format(unused=unused[0].lower(), unused_2=unused[0]),
            field="user",
        )


def _compiled(kind: DeclaredKind, wording: PromptText) -> CompiledPrompt:
    return compile_prompt(kind, system=wording.system, user=wording.user, version=0)

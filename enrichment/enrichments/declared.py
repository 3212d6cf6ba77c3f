"""Enrichments that administrators declare: a row of the table becomes a kind of work."""

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any, ClassVar

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import CharField, JSONField, Model
from django.utils.translation import gettext
from msgspec import Struct, field

from enrichment.enrichments.contract import Enrichment, PromptText
from enrichment.enrichments.fitting import misfits
from enrichment.enrichments.whole_answer import complete_text
from enrichment.models import DeclaredEnrichment, Prompt
from enrichment.quality.gates import (
    Checked,
    Gate,
    GateFinding,
    announcement,
    changed_units,
    complete,
    language,
    numbers_kept,
    template_remains,
    unknown_addresses,
    unknown_names,
    unknown_numbers,
    within_limits,
)
from enrichment.quality.gates.form import TOO_LONG
from llmconfig.client.structured_output import SchemaUnusable, compile_schema
from llmconfig.client.types import Generation

# What an administrator may choose of the gates, with its label.
GATES: Mapping[str, tuple[str, Gate]] = {
    "template_remains": ("Placeholders that nobody filled: {{, [name]", template_remains),
    "announcement": ("Talk about the answer: “Here is the text:”", announcement),
    "complete": ("A text that stops in the middle", complete),
    "language": ("Another language than wanted", language),
    "unknown_numbers": ("Numbers that the row doesn't have", unknown_numbers),
    "unknown_names": ("Names that the row doesn't have", unknown_names),
    "unknown_addresses": (
        "Addresses, links and telephone numbers not in the row",
        unknown_addresses,
    ),
    "numbers_kept": ("Numbers of the row that got lost", numbers_kept),
    "changed_units": ("Amounts whose unit has changed", changed_units),
}
FIRST_GATES = (
    "template_remains",
    "announcement",
    "complete",
    "unknown_numbers",
    "unknown_addresses",
)


class Declaration(Struct, frozen=True):
    """A row of `DeclaredEnrichment` with its wording; `schema` is JSON text, blank for none."""

    name: str
    label: str
    target: str
    node: str
    reads: tuple[str, ...]
    writes: str
    schema: str
    gates: tuple[str, ...]
    answers_in: str
    longest_source: int
    longest_answer: int | None
    is_enabled: bool
    prompt: PromptText

    @classmethod
    def of(cls, row: DeclaredEnrichment, prompt: PromptText) -> "Declaration":
        """What a row says."""
        return cls(
            name=row.name,
            label=row.label,
            target=row.target,
            node=row.node or row.name,
            reads=tuple(row.reads),
            writes=row.writes,
            schema="" if row.schema is None else json.dumps(row.schema, sort_keys=True),
            gates=tuple(row.gates),
            answers_in=row.answers_in,
            longest_source=row.longest_source,
            longest_answer=row.longest_answer,
            is_enabled=row.is_enabled,
            prompt=prompt,
        )


class DeclaredKind(Enrichment):
    """What all of them share; `kind_of` makes the class of one declaration."""

    longest_source: ClassVar[int]
    is_enabled: ClassVar[bool]
    words: ClassVar[Mapping[str, Callable[[Any], str]]]  # how each column is put, by its name

    def why_off(self) -> str:
        """Its switch is in its row."""
        return "" if self.is_enabled else f"{self.label} is switched off: enable it on its page."

    def values(self, row: Mapping[str, Any], *, variant: str) -> dict[str, str]:
        """Each column by its name in small letters."""
        return {column.lower(): self.words[column](row[column]) for column in self.reads}

    def skip_reason(self, values: Mapping[str, str], *, variant: str) -> str:
        """A row that says nothing, or more than one wants to pay for."""
        characters = sum(map(len, values.values()))
        if not any(each.strip() for each in values.values()):
            return "The columns that are read are empty."
        if characters > self.longest_source:
            return f"It reads {characters} characters, more than {self.longest_source}."
        return ""

    def accept(self, answer: Generation, values: Mapping[str, str]) -> Any:
        """The whole answer: the client has held it to the schema."""
        return answer.parsed if self.schema is not None else complete_text(answer)

    def stored(self, value: Any) -> Any:
        """By the model's field, with its choices and validators, as a form would."""
        if not self.writes:
            return value
        column = self.column()
        if isinstance(column, JSONField) and value in ({}, []):
            column.run_validators(value)
            return value
        return column.clean(value, None)

    def misfit(self, value: Any) -> str:
        """Also what the column refuses."""
        found = super().misfit(value)
        try:
            if found or self.stored(value) is not None:
                return found
            return gettext("It must be a value.")
        except ValidationError as error:
            return " ".join(error.messages)


class UnusableDeclaration(Exception):
    """What speaks against a declaration; `field` is the column of its row."""

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field


@lru_cache(maxsize=512)
def kind_of(declaration: Declaration) -> DeclaredKind:
    """The enrichment that is declared, the same object for the same declaration.

    Raises UnusableDeclaration: a table, column or gate that isn't there, a schema that can't be
    used.
    """
    schema = json.loads(declaration.schema) if declaration.schema else None
    made: Any = type(
        "Declared",
        (DeclaredKind,),
        {
            "__doc__": "Made of a row of the table.",
            "name": declaration.name,
            "label": declaration.label,
            "target": declaration.target,
            "node": declaration.node,
            "reads": declaration.reads,
            "writes": declaration.writes,
            "schema": schema,
            "answers_in": declaration.answers_in,
            "longest_source": declaration.longest_source,
            "is_enabled": declaration.is_enabled,
            "prompt": declaration.prompt,
        },
    )
    fatal = next((each for each in misfits(made()) if each.is_fatal), None)
    if fatal is not None:
        raise UnusableDeclaration(f"{fatal.text} {fatal.hint}".strip(), field=fatal.field)
    if schema is not None:
        _check_schema(made, schema)
    made.words = {each: _wording(made.model(), each) for each in declaration.reads}
    made.gates = _gates(declaration, made)
    found: DeclaredKind = made()
    return found


def _check_schema(made: Any, schema: Any) -> None:
    try:
        compile_schema(schema)
    except SchemaUnusable as error:
        raise UnusableDeclaration(str(error), field="schema") from None
    if made.writes and not made.holds_json():
        raise UnusableDeclaration(
            f"{made.writes} takes text, and an answer with a schema is JSON: choose a JSON column"
            " or none, or leave the schema blank.",
            field="writes",
        )


def _gates(declaration: Declaration, made: Any) -> tuple[Gate, ...]:
    unknown = [each for each in declaration.gates if each not in GATES]
    if unknown:
        raise UnusableDeclaration(
            f"{unknown[0]!r} is no gate; there are {', '.join(GATES)}.", field="gates"
        )
    longest = _longest(declaration, made)
    return (
        *((at_most(longest),) if longest else ()),
        *((within_limits(made.schema),) if made.schema else ()),
        *(GATES[each][1] for each in declaration.gates),
    )


def _longest(declaration: Declaration, made: Any) -> int | None:
    """Characters that an answer may have: what is declared, at most what the column holds."""
    column = made.column() if made.writes else None
    holds = column.max_length if isinstance(column, CharField) else None
    asked = declaration.longest_answer
    if holds is not None and asked is not None and asked > holds:
        raise UnusableDeclaration(
            f"{made.writes} holds {holds} characters, fewer than {asked}.", field="longest_answer"
        )
    return asked or holds


def at_most(longest: int) -> Gate:
    """A gate for answers of more characters."""

    def check(checked: Checked) -> GateFinding | None:
        characters = sum(map(len, checked.texts))
        if characters <= longest:
            return None
        text = f"The answer is too long: {characters} characters, more than {longest}."
        return GateFinding(TOO_LONG, text, {"characters": characters, "most": longest})

    return check


def _wording(model: type[Model], path: str) -> Callable[[Any], str]:
    """How a column's values are put into a prompt: a choice by its label, dates as ISO has them."""
    at: Any = model
    for step in path.split("__"):
        try:
            last = at._meta.get_field(step)  # noqa: SLF001 - Django's documented name
        except FieldDoesNotExist:  # a key inside JSON
            return in_words
        at = last.related_model
    return partial(in_words, labels=dict(last.flatchoices or ()))


def in_words(value: Any, *, labels: Mapping[Any, Any] | None = None) -> str:
    """A value as a prompt has it; blank for none."""
    if labels and isinstance(value, str | int) and value in labels:
        value = str(labels[value])
    match value:
        case None:
            text = ""
        case bool():
            text = "yes" if value else "no"
        case dt.datetime() | dt.date() | dt.time():
            text = value.isoformat()
        case dict() | list():
            text = json.dumps(value, ensure_ascii=False, default=str)
        case Decimal():
            text = f"{value:f}"
        case _:
            text = str(value)
    return text


class Declared(Struct, frozen=True):
    """All that are declared, by name; of those that can't be used, why."""

    usable: Mapping[str, Enrichment] = field(default_factory=dict)
    unusable: Mapping[str, str] = field(default_factory=dict)


def read(rows: Sequence[DeclaredEnrichment]) -> Declared:
    """What these rows declare; the configuration's snapshot calls this when it is read."""
    prompts = _newest_prompts([row.name for row in rows])
    usable: dict[str, Enrichment] = {}
    unusable: dict[str, str] = {}
    for row in rows:
        if row.name not in prompts:
            unusable[row.name] = "it has no prompt; give it one on its page."
            continue
        try:
            usable[row.name] = kind_of(Declaration.of(row, prompts[row.name]))
        except UnusableDeclaration as error:
            unusable[row.name] = str(error)
    return Declared(usable, unusable)


def _newest_prompts(names: list[str]) -> dict[str, PromptText]:
    """The last wording of each, which holds where none is in use."""
    newest = Prompt.objects.filter(enrichment__in=names, organization_id=None)
    return {
        each.enrichment: PromptText(each.system, each.user)
        for each in newest.order_by("enrichment", "-version").distinct("enrichment")
    }

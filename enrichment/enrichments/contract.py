"""What an enrichment is: what it reads, says, accepts and writes."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Field, JSONField, Manager, Model
from django.utils.translation import gettext
from msgspec import Struct

from enrichment.enrichments.judging import judging
from enrichment.enrichments.likeness import alikeness
from enrichment.enrichments.stated_confidence import schema_asks_confidence, stated_confidence
from enrichment.errors import AnswerRejected, BadSelection
from enrichment.models import Enrichable
from enrichment.quality.findings import GateFinding
from llmconfig import project_settings
from llmconfig.client.finish_reasons import Ending, ending_of, why_not_whole
from llmconfig.client.json_schema import cut
from llmconfig.client.structured_output import SchemaMismatch, compile_schema
from llmconfig.client.types import Generation
from llmconfig.configuration import snapshot
from llmconfig.configuration.process_settings import ProcessSetting, effective
from llmconfig.models import ApplyAfter
from llmconfig.runtime.records import replace

if TYPE_CHECKING:
    from enrichment.quality.gates import Gate
    from enrichment.quality.gates.asking import GateList

logger = logging.getLogger(__name__)

MAX_REFUSAL = 200  # characters of a refusal that the reviewer is shown
MAX_CUT_TEXT = 20_000  # characters that are kept of an answer that breaks off
PARTS_CAME = "Only what came whole is shown."
NO_PART_CAME = "No part of it came whole; this is its text."
SELF_REPORTED = "self_reported"  # the model said itself how sure it is
LOG_PROBABILITIES = "log_probabilities"  # how likely the tokens of the value were


class PromptText(Struct, frozen=True):
    """The two messages, with `{{name}}` where a value goes."""

    system: str
    user: str


class Judgement(Struct, frozen=True):
    """What an answer is worth.

    With `findings` the value must not be applied without a person. Without, it may; `suggestion` is
    then a fuller value of which some parts were not good enough, and `doubts` say which and why.
    `confidence` is from 0 to 1, of the least sure part; None where the answer states none.
    """

    value: Any
    findings: tuple[GateFinding, ...] = ()
    suggestion: Any = None
    doubts: tuple[GateFinding, ...] = ()
    confidence: float | None = None
    confidence_source: str = ""
    rejected: bool = False  # it can't be a value at all

    @property
    def reason(self) -> str:
        """Why it, or a part of it, waits for a person, in sentences; blank when nothing does."""
        return " ".join(each.text for each in self.findings or self.doubts)


def _unfinished(answer: Generation) -> GateFinding | None:
    """Why an answer isn't whole; None when it is."""
    reason = answer.record.finish_reason
    ending = ending_of(reason)
    if ending is Ending.WHOLE:
        return None
    from enrichment.quality.gates.form import (  # noqa: PLC0415 - with the gates
        ANSWER_CUT,
        ANSWER_UNFINISHED,
    )

    code = ANSWER_CUT if ending is Ending.CUT else ANSWER_UNFINISHED
    said = f" It says: {answer.refusal[:MAX_REFUSAL]}" if answer.refusal else ""
    return GateFinding(code, why_not_whole(reason) + said, {"finish_reason": reason})


class Organizations(Protocol):
    """Whom rows belong to: an organization may have prompts of its own.

    The engine knows an organization by its key alone, the number in the rows' column.
    """

    def keys(self, slug: str) -> Any:
        """The keys of those with this slug, as a subquery or list; raises BadSelection."""

    def names(self, keys: Iterable[int]) -> Mapping[int, str]:
        """The names of those that there are."""


@runtime_checkable
class ListedOrganizations(Organizations, Protocol):
    """Organizations that a form can offer for choice."""

    def choices(self, limit: int) -> Iterable[tuple[str, str]]:
        """The slug and name of the first `limit` of them, by name."""


class Enrichment(ABC):
    """One kind of work on a row. Subclasses are stateless; one instance serves all threads."""

    name: ClassVar[str]  # the API's processing_type
    label: ClassVar[Any]  # for people: a text, or one that gettext translates when it is shown
    node: ClassVar[str]
    feature: ClassVar[str] = ""  # the LLM_FEATURE_ variable that can switch it off, if any
    settings: ClassVar[tuple[ProcessSetting, ...]] = ()  # further ones that its own code reads
    target: ClassVar[str]  # the table, as app.Model
    organization_field: ClassVar[str] = ""  # the column with the organization's key, if any
    organizations: ClassVar["Organizations | None"] = None  # whose keys that column holds
    reads: ClassVar[tuple[str, ...]]  # columns that the answer depends on; staleness hashes them
    writes: ClassVar[str]  # the column that the value goes to; blank: it stays in the result
    by_variant: ClassVar[bool] = False  # the column is a JSON object with a key per variant
    prompt: ClassVar[PromptText]
    schema: ClassVar[Mapping[str, Any] | None] = None
    gates: ClassVar[tuple["Gate", ...]] = ()  # what fails one is a suggestion, never applied
    binding_columns: ClassVar[tuple[str, ...]] = ()  # of `reads`; gates hold answers to them
    abbreviations: ClassVar[Mapping[str, tuple[str, ...]]] = {}  # short: what it stands for
    answers_in: ClassVar[str] = ""  # a language; blank: the variant, else the source's own
    confidence_floor: ClassVar[str] = ""  # the column of `llm_config` with the least confidence
    takes_facts: ClassVar[bool] = True  # False: its prompts may not use sources of facts
    second_opinion: ClassVar[bool] = False  # a judge looks at what passes, where one may decide
    apply_after: ClassVar[str] = ApplyAfter.GATES.value  # unless its node says otherwise
    in_batches: ClassVar[bool] = True  # False: it answers a person and writes nothing

    def why_off(self) -> str:
        """Why nobody may use it now, and the way out; blank when it may be used.

        Reads the snapshot: not on an event loop.
        """
        if self.feature and not snapshot.current().setting(self.feature):
            return f"{self.label} is switched off by {self.feature}; set it to true."
        return ""

    def setting(self, variable: str) -> Any:
        """The value of one of its process settings, from the environment or its default.

        Asks no database, so that `accept` and gates may call it on an event loop. Raises KeyError
        for a variable that nobody registered.
        """
        return effective(variable, environment=project_settings.process_values(), row={})

    @classmethod
    def variables(cls) -> Iterator[str]:
        """The process settings that come with it: its switch first."""
        yield from filter(None, (cls.feature, *(each.variable for each in cls.settings)))

    @classmethod
    def model(cls) -> type[Model]:
        """The table whose rows are enriched."""
        return apps.get_model(cls.target)

    @classmethod
    def rows(cls) -> "Manager[Any]":
        """A queryset of all rows that this enrichment may work on."""
        return cls.model()._default_manager  # noqa: SLF001 - Django's public way to a manager

    @classmethod
    def checked_key(cls, key: int | str) -> Any:
        """A row's key as its column has it; raises BadSelection for one that it can't hold."""
        column = cls.model()._meta.pk  # noqa: SLF001 - Django's documented name
        try:
            return column.to_python(str(key).strip())
        except ValidationError:
            said = gettext("ids: {key!r} is no key of {target}.")
            said = said.format(key=str(key)[:40], target=cls.target)
            raise BadSelection(said, field="ids") from None

    @abstractmethod
    def values(self, row: Mapping[str, Any], *, variant: str) -> dict[str, str]:
        """What the prompt's names stand for, from a row of `reads`."""

    def skip_reason(self, values: Mapping[str, str], *, variant: str) -> str:
        """Why a row should not be sent at all; blank to send it."""
        return ""

    def source(self, values: Mapping[str, str]) -> str:
        """The text that an answer has to be true to."""
        return "\n".join(values.values())

    def original(self, values: Mapping[str, str]) -> str:
        """The text that an answer is another form of; blank: the whole source.

        What the source has besides may be used in the answer, but need not be.
        """
        return ""

    @abstractmethod
    def accept(self, answer: Generation, values: Mapping[str, str]) -> Any:
        """Return the value to write; raises AnswerRejected with a reason for the reviewer.

        Runs on an event loop: no database, no `snapshot.current()`, nothing that waits.
        """

    def judge(
        self,
        answer: Generation,
        values: Mapping[str, str],
        *,
        variant: str,
        floor: float,
        columns: Mapping[str, Any],
    ) -> Judgement:
        """Hold an answer to the gates.

        `floor` is the least confidence, 0 where none is asked; `columns` the row's binding ones.
        An answer that isn't whole is never applied by itself, whatever the gates say. One on which
        `accept` or a gate raises is held back with the reason: it is paid.
        """
        judges = judging()
        unfinished = _unfinished(answer)
        sources = tuple(values.values())
        if self.schema is None and (text := judges.bare(answer.text, sources)) is not answer.text:
            answer = replace(answer, text=text)
        try:
            value = self.accept(answer, values)
        except Exception as error:
            raw = answer.parsed if answer.parsed is not None else answer.text or answer.refusal
            if isinstance(error, AnswerRejected):
                finding = GateFinding(error.reason, str(error))
            else:
                logger.exception("%s could not take an answer.", self.name)
                finding = judges.check_failed(self.name, error)
            return Judgement(raw, (unfinished or finding,), rejected=True)
        if unfinished is not None:
            return Judgement(value, (unfinished,), rejected=True)
        found = self.objections(value, values, variant=variant, columns=columns)
        around = judges.wrapped(value, sources) if self.schema is None and not found else None
        found = found if around is None else (around,)
        if found:
            return Judgement(value, found)
        stated = stated_confidence(value)
        source = "" if stated is None else SELF_REPORTED
        return Judgement(value, confidence=stated, confidence_source=source)

    def judge_cut(self, answer: Generation, values: Mapping[str, str]) -> Judgement:
        """A JSON answer that breaks off: a suggestion of what of it came whole, else of its text.

        It never gets to a row by itself; the finding says why, and holds the answer as it came.
        """
        finding = _unfinished(answer)
        if finding is None:
            raise ValueError("The answer is whole.")
        try:
            value = self.whole_parts(answer, values)
        except Exception:
            logger.exception("%s could not take a part of an answer.", self.name)
            value = None
        said = f"{finding.text} {PARTS_CAME if value else NO_PART_CAME}"
        data = {**finding.data, "answer": answer.text[:MAX_CUT_TEXT]}
        finding = GateFinding(finding.code, said, data)
        came = answer.text or answer.refusal
        return Judgement(value or came, (finding,), rejected=True)

    def whole_parts(self, answer: Generation, values: Mapping[str, str]) -> Any:
        """What of an answer that breaks off came whole and obeys the schema; None if nothing did.

        The members of an object, each alone: what the schema requires besides may be missing.
        """
        schema = {**(self.schema or {}), "required": []}
        members = cut.whole_parts(answer.text).members
        found = {
            name: value
            for name, value in members.items()
            if not schema_misfit(schema, {name: value})
        }
        return found or None

    def objections(
        self,
        value: Any,
        values: Mapping[str, str],
        *,
        variant: str,
        columns: Mapping[str, Any] | None = None,
    ) -> tuple[GateFinding, ...]:
        """What the gates have against a value; nothing when all let it pass."""
        judges = judging()
        source, texts = self.source(values), judges.texts_in(value)
        unchecked = judges.too_large(source, texts)
        if unchecked:
            return (unchecked,)
        checked = judges.Checked(
            texts,
            source,
            self.answers_in or (variant if self.by_variant else ""),
            columns or {},
            self.abbreviations,
            value,
            self.original(values),
        )
        return self._all_gates.findings(checked)

    @cached_property
    def _all_gates(self) -> "GateList":
        from enrichment.quality.gates import addresses_model  # noqa: PLC0415 - the gates
        from enrichment.quality.gates.asking import GateList  # noqa: PLC0415

        return GateList((addresses_model, *self.gates))

    def stored(self, value: Any) -> Any:
        """The value as its column takes it; raises ValidationError for one that it doesn't.

        Called before each write, in a thread that may ask the database.
        """
        return value

    def misfit(self, value: Any) -> str:
        """Why a value, such as one that a reviewer wrote, can't be stored; blank when it can."""
        if self.schema is None:
            return "" if isinstance(value, str) and value.strip() else gettext("It must be a text.")
        return schema_misfit(self.schema, value)

    def similarity(self, one: Any, other: Any) -> float:
        """How far two values say the same, from 0 to 1; 1 alone is agreement.

        Texts are compared without case and spacing, lists without order, objects by field; how sure
        an answer says to be is no difference. Runs on an event loop.
        """
        return alikeness(one, other)

    def rated(self, value: Any) -> dict[str, float]:
        """The model's parts of a value by name, with its confidence in each (0 to 1).

        Empty where an answer states none.
        """
        return {}

    def states_confidence(self) -> bool:
        """Whether its answers say how sure they are, as far as can be told before there is one."""
        is_own = type(self).judge is not Enrichment.judge
        return bool(self.confidence_floor) or is_own or schema_asks_confidence(self.schema)

    def floor(self) -> float:
        """The least confidence of a part that is applied; reads the snapshot: not on a loop."""
        if not self.confidence_floor:
            return 0.0
        return float(snapshot.current().processing.get(self.confidence_floor, 0.0))

    @classmethod
    def column(cls) -> "Field[Any, Any]":
        """The column that the value goes to; raises TypeError when `writes` names none."""
        field = cls.model()._meta.get_field(cls.writes)  # noqa: SLF001 - Django's documented name
        if not isinstance(field, Field):
            raise TypeError(f"{cls.name}: {cls.writes} is no column.")
        return field

    @classmethod
    def marks(cls) -> tuple[str, ...]:
        """Those of Enrichable's columns that stand in the table which is written."""
        there = {each.name for each in cls.column().model._meta.local_concrete_fields}  # noqa: SLF001
        return tuple(each.name for each in Enrichable._meta.fields if each.name in there)  # noqa: SLF001

    @classmethod
    def sql_names(cls) -> dict[str, str]:
        """Table, key, column and the key's type, quoted for SQL; they come from the model alone.

        The table is a parent's where the column is inherited from one: they share their keys.
        """
        meta = cls.column().model._meta  # noqa: SLF001 - Django's documented name
        quote = connection.ops.quote_name
        return {
            "table": quote(meta.db_table),
            "key": quote(str(meta.pk.column)),
            "key_type": str(meta.pk.rel_db_type(connection)),
            "column": quote(str(cls.column().column)),
        }

    @classmethod
    def holds_json(cls) -> bool:
        """Whether the column takes any JSON, or only text."""
        return isinstance(cls.column(), JSONField)


def schema_misfit(schema: Mapping[str, Any], value: Any) -> str:
    """Where and how a value breaks a JSON schema; blank when it doesn't."""
    try:
        errors = compile_schema(schema).complaints(value)
    except SchemaMismatch as error:
        return str(error)
    if not errors:
        return ""
    where = ".".join(str(step) for step in errors[0].absolute_path)
    return f"{where}: {errors[0].message}" if where else str(errors[0].message)

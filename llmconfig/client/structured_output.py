"""Answers that must obey a JSON schema: what may be asked for, and reading what came.

A schema is read without trust before anything is sent (`json_schema.document`). An answer is first
held to a compiled check, which says yes in a few microseconds; only what it doubts goes to
jsonschema, whose work is bounded. Large schemas are compiled and large answers read in a thread, so
that no caller holds up the event loop. What stands on jsonschema is imported with the first schema:
it takes 0.1 s.
"""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import orjson

from llmconfig.client.json_schema.errors import SchemaUnusable
from llmconfig.client.json_schema.work import TooMuchWork, judged_steps_for, steps_for

if TYPE_CHECKING:
    from llmconfig.client.json_schema.document import Document
    from llmconfig.client.json_schema.forms import Form
    from llmconfig.client.json_schema.quick_checks import QuickCheck

__all__ = [
    "OutputSchema",
    "SchemaMismatch",
    "SchemaUnusable",
    "compile_schema",
    "json_text",
    "prepare",
    "refuse_unsafe",
]

MAX_SCHEMA_BYTES = 128 * 1024
MAX_ANSWER_CHARACTERS = 1024 * 1024
MAX_COMPLAINT_LENGTH = 300
MAX_DIGITS = 300  # of a whole number in an answer
MAX_ANSWER_DEPTH = 100
# From here on work goes to a thread: a compilation takes 0.2 ms a KB, and reading an answer at
# worst 5 ms a KB, where jsonschema has to judge it.
LARGE_SCHEMA_BYTES = 8 * 1024
LARGE_ANSWER_CHARACTERS = 16 * 1024
_FENCE_BEGINS = re.compile(r"```(?:json)?\s*\n")
_LONG_NUMBER = re.compile(r"\d{19}")


class SchemaMismatch(Exception):
    """An answer that isn't JSON or breaks the schema; its text says where, for the model."""


@dataclass(frozen=True)
class OutputSchema:
    """A schema ready for use, kept by its text."""

    schema: dict[str, Any]
    instruction: str
    document: "Document"
    quick: "QuickCheck"

    @cached_property
    def judge(self) -> Any:
        """jsonschema's validator, with bounds on its work."""
        from llmconfig.client.json_schema import judge  # noqa: PLC0415 - late, see above

        return judge.judge_of(self.document)

    @cached_property
    def openai(self) -> "Form":
        """As OpenAI and the hosted servers that speak like it take it."""
        from llmconfig.client.json_schema import forms  # noqa: PLC0415 - late, see above

        return forms.openai_form(self.document)

    @cached_property
    def openai_narrow(self) -> "Form":
        """The same for Azure and fine-tuned models, which take no bounds."""
        from llmconfig.client.json_schema import forms  # noqa: PLC0415 - late, see above

        return forms.openai_form(self.document, narrow=True)

    @cached_property
    def grammar(self) -> "Form":
        """As servers take it that make a grammar of it: llama.cpp, Ollama, LM Studio, vLLM."""
        from llmconfig.client.json_schema import forms  # noqa: PLC0415 - late, see above

        return forms.grammar_form(self.document)

    @cached_property
    def anthropic(self) -> "Form | None":
        """As Anthropic's structured outputs take it; None where they can't express it."""
        from llmconfig.client.json_schema import forms  # noqa: PLC0415 - late, see above

        return forms.anthropic_form(self.document)

    def read(self, text: str) -> Any:
        """The answer's JSON value; raises SchemaMismatch."""
        if len(text) > MAX_ANSWER_CHARACTERS:
            raise SchemaMismatch(f"the answer has more than {MAX_ANSWER_CHARACTERS} characters")
        written, value = _loads(text)
        if self.quick.sees_all or not _LONG_NUMBER.search(written):
            try:
                if self.quick.check(value, [steps_for(len(written))]):
                    return self._shallow(value)
            except (TooMuchWork, RecursionError) as error:
                raise _given_up(error) from None
        value = _loads_exactly(written)
        complaint = self.complaint(value, size=len(written))
        if complaint:
            raise SchemaMismatch(complaint)
        return self._shallow(value)

    def complaint(self, value: Any, *, size: int | None = None) -> str:
        """What is wrong with a value first of all, with its place; blank when it obeys.

        `size` is that of its JSON text in characters, where known.
        """
        from llmconfig.client.json_schema import judge  # noqa: PLC0415 - late, see above

        found = self.complaints(value, size=size)
        return judge.best(found) if found else ""

    def complaints(self, value: Any, *, size: int | None = None) -> list[Any]:
        """jsonschema's errors, the first of them; raises SchemaMismatch at the bound on steps."""
        from llmconfig.client.json_schema import judge  # noqa: PLC0415 - late, see above

        steps = judged_steps_for(size if size is not None else len(_text(value)))
        try:
            return judge.complaints(self.judge, value, steps=steps)
        except (TooMuchWork, RecursionError) as error:
            raise _given_up(error) from None

    def _shallow(self, value: Any) -> Any:
        """The value, if it isn't nested more deeply than what reads it later can bear."""
        if not self.quick.is_flat and _deeper_than(value, MAX_ANSWER_DEPTH):
            raise SchemaMismatch(f"the answer is nested more than {MAX_ANSWER_DEPTH} times")
        return value


def compile_schema(schema: Mapping[str, Any]) -> OutputSchema:
    """The schema ready for use, from a cache.

    Raises SchemaUnusable, which names the place and the reason: what is no JSON schema, references
    out of it, nowhere or without an end, bounds that contradict each other, patterns that can't be
    matched in linear time, numbers of more than 64 bits, more than MAX_SCHEMA_BYTES.
    """
    text = _schema_text(schema)
    return _compiled(text) if len(text) <= LARGE_SCHEMA_BYTES else _compiled_large(text)


async def prepare(schema: Mapping[str, Any] | None) -> None:
    """Compile a large schema in a thread, so that `compile_schema` finds it in the cache.

    Raises SchemaUnusable.
    """
    if schema is None:
        return
    text = _schema_text(schema)
    if len(text) > LARGE_SCHEMA_BYTES:
        await asyncio.to_thread(_compiled_large, text)


def refuse_unsafe(schema: Mapping[str, Any]) -> None:
    """Refuse a schema that isn't ours to check, such as a tool's, where it could harm a server.

    Raises SchemaUnusable for references out of it, nowhere or without an end, for bounds that
    contradict each other and for its size.
    """
    _refuse_unsafe(_schema_text(schema))


@lru_cache(maxsize=1024)
def _refuse_unsafe(text: bytes) -> None:
    from llmconfig.client.json_schema import (  # noqa: PLC0415 - late, see above
        contradictions,
        document,
    )

    schema = orjson.loads(text)
    if not isinstance(schema, dict):
        return
    found = document.read(schema, size=len(text), lenient=True)
    try:
        contradictions.refuse_contradictions(found)
    except SchemaUnusable:
        raise
    except (TypeError, ValueError, AttributeError, LookupError, ArithmeticError):
        return  # keywords of a wrong form are for the provider to refuse


def json_text(text: str) -> str:
    """An answer without the fence around its JSON, if there is one."""
    fenced = _fenced(text) if text.lstrip()[:1] == "`" else None
    return text if fenced is None else fenced


def _fenced(text: str) -> str | None:
    """What the first fence is around; None without one."""
    begins = _FENCE_BEGINS.search(text)
    if begins is None:
        return None
    ends = text.find("```", begins.end())
    return None if ends < 0 else text[begins.end() : ends].rstrip()


def _schema_text(schema: Mapping[str, Any]) -> bytes:
    try:
        text = orjson.dumps(schema)
    except TypeError as error:
        raise SchemaUnusable(f"The schema is no JSON: {error}.") from None
    if len(text) > MAX_SCHEMA_BYTES:
        raise SchemaUnusable(f"A schema has at most {MAX_SCHEMA_BYTES} bytes.")
    return text


def _compile(text: bytes) -> OutputSchema:
    from llmconfig.client.json_schema import (  # noqa: PLC0415 - late, see above
        contradictions,
        document,
        quick_checks,
    )

    schema = orjson.loads(text)
    if not isinstance(schema, dict):
        raise SchemaUnusable("A schema is a JSON object.")
    try:
        found = document.read(schema, size=len(text))
        contradictions.refuse_contradictions(found)
        quick = quick_checks.QuickCheck(found)
    except RecursionError:
        raise SchemaUnusable("The schema's parts refer to each other too many times.") from None
    return OutputSchema(
        schema=schema,
        instruction=(
            "Answer with one JSON value and nothing else. It must obey this JSON schema:\n"
            + text.decode()
        ),
        document=found,
        quick=quick,
    )


# Compiled, a schema takes about 50 times its text in memory.
_compiled = lru_cache(maxsize=256)(_compile)
_compiled_large = lru_cache(maxsize=16)(_compile)


def _loads(text: str) -> tuple[str, Any]:
    """The JSON that an answer is or that it holds within a fence, and its value."""
    try:
        return text, _parsed(text)
    except ValueError as error:
        fenced = _fenced(text)
        if fenced is None:
            raise SchemaMismatch(f"not JSON: {error}"[:MAX_COMPLAINT_LENGTH]) from None
    try:
        return fenced, _parsed(fenced)
    except ValueError as error:
        raise SchemaMismatch(f"not JSON: {error}"[:MAX_COMPLAINT_LENGTH]) from None


def _parsed(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        if not _LONG_NUMBER.search(text):
            raise
        return _loads_exactly(text)  # a whole number beyond a float's range


def _loads_exactly(text: str) -> Any:
    """The value with every digit of its whole numbers, which the fast parser makes floats of."""
    if not _LONG_NUMBER.search(text):
        return orjson.loads(text)
    try:
        return json.loads(text, parse_int=_whole)
    except (ValueError, RecursionError) as error:
        raise SchemaMismatch(f"not usable: {error}"[:MAX_COMPLAINT_LENGTH]) from None


def _whole(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number has more than {MAX_DIGITS} digits")
    return int(digits)


def _deeper_than(value: Any, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        level = [inner for each in level for inner in _containers(each)]
        if not level:
            return False
    return True


def _containers(value: Any) -> Iterator[Any]:
    """The objects and lists right inside a value."""
    if isinstance(value, dict):
        yield from (each for each in value.values() if isinstance(each, dict | list))
    elif isinstance(value, list):
        yield from (each for each in value if isinstance(each, dict | list))


def _text(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return ""


def _given_up(error: BaseException) -> SchemaMismatch:
    reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
    return SchemaMismatch(f"the answer: {reason}"[:MAX_COMPLAINT_LENGTH])

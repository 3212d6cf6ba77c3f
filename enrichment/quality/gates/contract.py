"""What a gate is: a function from an answer beside its source to a finding, or None."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import re2
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from enrichment.quality.findings import GateFinding, register_code
from enrichment.quality.gates.changes import NO_CHANGES, Changes, compare
from enrichment.quality.gates.comparison import Passage
from enrichment.quality.gates.quantities import (
    Quantity,
    amounts_in,
    known_numbers,
    quantities,
    spelled_numbers,
)
from enrichment.quality.languages import guess
from enrichment.quality.patterns import compiled_later

MAX_EXAMPLES = 3  # that a finding names
MAX_EXAMPLE_CHARACTERS = 120
# Above this nothing is judged and a person looks: gates run on the event loop, 10 ms at most.
MAX_JUDGED_CHARACTERS = 100_000


MAX_INITIALS = 4
NOTHING: Mapping[str, Any] = MappingProxyType({})
_BRACKETS = str.maketrans("()*", "   ")
_INITIALS = compiled_later(r"[A-Z](?<!\w.)(?:\.?[A-Z]){1,3}\b")
_CAPITALISED = compiled_later(r"[A-Z](?<!\w.)[a-z]+\b")


@dataclass(frozen=True, init=False)
class Checked:
    """An answer beside what it was made from.

    `language` is the wanted one, blank for the source's own; `columns` are the row's columns that
    the enrichment binds to statements; `abbreviations` are the table's short forms in lower case,
    with what each may be written out as; `value` is the answer in its own shape, `original`
    the part of the source that it is another form of, blank for all of it.
    """

    texts: tuple[str, ...]  # every text in the value
    source: str
    language: str
    columns: Mapping[str, Any]
    abbreviations: Mapping[str, tuple[str, ...]]
    value: Any
    original: str

    def __init__(
        self,
        texts: tuple[str, ...],
        source: str,
        language: str = "",
        columns: Mapping[str, Any] = NOTHING,
        abbreviations: Mapping[str, tuple[str, ...]] = NOTHING,
        value: Any = None,
        original: str = "",
    ) -> None:
        # As the generated one, in a fifth of the time: each row makes one.
        vars(self).update(
            texts=texts,
            source=source,
            language=language,
            columns=columns,
            abbreviations=abbreviations,
            value=value,
            original=original,
        )

    @cached_property
    def text(self) -> str:
        return self.texts[0] if len(self.texts) == 1 else "\n".join(self.texts)

    @cached_property
    def changes(self) -> Changes:
        """What differs between source and answer, in sentences."""
        return compare(self.original or self.source, self.text)

    @cached_property
    def is_unchanged(self) -> bool:
        """Whether there is nothing to be found in `changes`."""
        return self.changes is NO_CHANGES

    @cached_property
    def besides(self) -> str:
        """What the source has besides the original."""
        return self.source.replace(self.original, "", 1) if self.original else ""

    @cached_property
    def source_words(self) -> Passage:
        """The source's words, those behind its abbreviations too."""
        return self.written_out(Passage(self.source))

    def written_out(self, passage: Passage) -> Passage:
        """A passage with what its abbreviations stand for, and with those for what it has in full.

        An abbreviation in capitals is found in capitals alone.
        """
        table = self.abbreviations
        if not table:
            return passage
        parted = passage.text.translate(_BRACKETS).split()
        kept = max(map(len, parted), default=0) <= MAX_KEPT
        short = set[str]().union(*map(_forms if kept else _forms.__wrapped__, set(parted)))
        more = [long for each in short & table.keys() for long in table[each]]
        more += _said_otherwise(passage.lower, table)
        return Passage("\n".join((passage.text, *more))) if more else passage

    @cached_property
    def spelled_out(self) -> frozenset[str]:
        """Words of the answer, in lower case, that begin with the letters of the source's initials.

        “Los Angeles” where the source has LA.
        """
        initials = {each.replace(".", "") for each in _INITIALS.findall(self.source)}
        if not initials:
            return frozenset()
        capitals = _CAPITALISED.findall(self.text)
        found: set[str] = set()
        for at in range(len(capitals)):
            for length in range(2, MAX_INITIALS + 1):
                run = capitals[at : at + length]
                if len(run) == length and "".join(each[0] for each in run) in initials:
                    found.update(each.lower() for each in run)
        return frozenset(found)

    @cached_property
    def source_numbers(self) -> frozenset[str]:
        """All forms in which a number of the source may stand in digits."""
        return _numbers_in(self.source)

    @cached_property
    def source_spelled(self) -> frozenset[str]:
        """The numbers that the source has in words."""
        return frozenset(spelled_numbers(self.source))

    @cached_property
    def source_amounts(self) -> Mapping[str, set[str]]:
        """The units in which the source has each number."""
        return _amounts_in(self.source)

    @cached_property
    def added_quantities(self) -> list[Quantity]:
        """The numbers that stand in digits in what is only in the answer."""
        return list(quantities(self.changes.added_text))

    @cached_property
    def text_numbers(self) -> frozenset[str]:
        """All forms of the answer's numbers, those in words too."""
        return frozenset(known_numbers(self.text) | spelled_numbers(self.text))

    @cached_property
    def source_language(self) -> str:
        """The source's language as `languages.guess` tells it."""
        return _language_of(self.source)

    @cached_property
    def text_language(self) -> str:
        """The answer's language as `languages.guess` tells it."""
        return guess(self.text)

    @cached_property
    def source_lower(self) -> str:
        return self.source.lower()

    @cached_property
    def text_lower(self) -> str:
        return self.text.lower()


# A source is read once for all parts of its answer.
_PARTS_AT_ONCE = 16


@lru_cache(maxsize=_PARTS_AT_ONCE)
def _numbers_in(source: str) -> frozenset[str]:
    return frozenset(known_numbers(source))


@lru_cache(maxsize=_PARTS_AT_ONCE)
def _amounts_in(source: str) -> Mapping[str, set[str]]:
    return amounts_in(source)


@lru_cache(maxsize=_PARTS_AT_ONCE)
def _language_of(source: str) -> str:
    return guess(source)


# What tables of abbreviations stand for, ready to be looked for; the tables stay with it.
_in_full: dict[int, tuple[Mapping[str, tuple[str, ...]], Any, list[str], list[str]]] = {}
MAX_TABLES = 32


MAX_KEPT = 40  # characters of a word whose forms are kept


@lru_cache(maxsize=50_000)
def _forms(word: str) -> frozenset[str]:
    """A word as a table of abbreviations may have it: without marks, in parts, in the singular."""
    plain = word.strip(",;:!?()*").replace(".", "")
    forms = {plain, *plain.replace("-", "/").split("/")}
    forms |= {each.lower() for each in forms}
    return frozenset(forms | {each[:-1] for each in forms if each.endswith("s")})


def _said_otherwise(lower: str, table: Mapping[str, tuple[str, ...]]) -> list[str]:
    """What abbreviations of several words in a text in lower case stand for.

    And those of which it has what they stand for, in their order.
    """
    known = _in_full.get(id(table))
    if known is None:
        if len(_in_full) >= MAX_TABLES:
            _in_full.clear()
        pairs = [(short, long) for short, longs in table.items() for long in longs]
        searched = re2.Set.SearchSet()
        for _short, long in pairs:
            searched.Add(re2.escape(long))
        searched.Compile()
        spaced = [short for short in table if " " in short]
        known = _in_full[id(table)] = (table, searched, [short for short, _ in pairs], spaced)
    _table, searched, shorts, spaced = known
    more = [long for each in spaced if each in lower for long in table[each]]
    found = searched.Match(lower.encode(errors="surrogatepass")) or ()
    return [*more, *dict.fromkeys(shorts[at] for at in sorted(found))]


Gate = Callable[[Checked], GateFinding | None]
# Gates that have nothing to say of an answer which changed nothing.
OF_CHANGES: set[Gate] = set()


def of_changes(gate: Gate) -> Gate:
    """Mark a gate that looks at `Checked.changes` alone: it isn't asked where there are none."""
    OF_CHANGES.add(gate)
    return gate


def texts_in(value: Any) -> tuple[str, ...]:
    """The texts in a JSON value, however deep."""
    return (value,) if isinstance(value, str) else tuple(_texts_in(value))


def _texts_in(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict):
            waiting.extend(reversed(each.values()))
        elif isinstance(each, list):
            waiting.extend(reversed(each))


def examples(found: Iterable[str]) -> list[str]:
    """The first few different ones, each cut to what a sentence can carry."""
    first: dict[str, None] = {}
    for each in found:
        first.setdefault(" ".join(each[: 4 * MAX_EXAMPLE_CHARACTERS].split()))
        if len(first) > MAX_EXAMPLES:
            break
    return [
        each if len(each) <= MAX_EXAMPLE_CHARACTERS else f"{each[: MAX_EXAMPLE_CHARACTERS - 1]}…"
        for each in first
    ][:MAX_EXAMPLES]


def found_in_answer(code: str, what: str, found: list[str]) -> GateFinding | None:
    """A finding that names what the answer has and shouldn't; None of nothing."""
    if not found:
        return None
    shown = examples(found)
    more = " and more" if len(dict.fromkeys(found)) > len(shown) else ""
    return GateFinding(code, f"{what}: {', '.join(shown)}{more}.", {"found": shown})


TOO_LARGE = register_code("too_large", _("Too large to be checked"), of_answer=True)


def too_large(source: str, texts: Iterable[str]) -> GateFinding | None:
    """Whether source and answer together are more than gates look at."""
    characters = sum(map(len, texts), len(source))
    if characters <= MAX_JUDGED_CHARACTERS:
        return None
    text = (
        f"Source and answer have {characters:,} characters; above {MAX_JUDGED_CHARACTERS:,} nothing"
        " is checked, so a person has to."
    )
    return GateFinding(TOO_LARGE, text, {"characters": characters})

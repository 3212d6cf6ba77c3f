"""Reasons in words, brought together: what differs only in names and numbers is one problem."""

import re
from collections import Counter
from collections.abc import Iterable
from uuid import UUID

from msgspec import Struct, field

from llmconfig.runtime.records import replace

ALIKE = 0.6  # of two texts' words together, those that both have
LONGEST = 200
EXAMPLES = 3
MAX_KINDS = 500  # texts of one operation that are compared with each other; rarer ones stand alone
_REPLACED = (
    (re.compile(r"https?://\S+|\S+@\S+\.\S+"), "…"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "…"),
    (re.compile(r"'[^']*'|\"[^\"]*\"|“[^”]*”|`[^`]*`"), "…"),
    (re.compile(r"\b0x[0-9a-f]+\b|\b(?=[a-f]*\d)[0-9a-f]{8,}\b"), "…"),
    (re.compile(r"\d+(?:[.,]\d+)*"), "#"),
    (re.compile(r"\s+"), " "),
)
_WORD = re.compile(r"[^\W\d_]{2,}|#|…")


class Problem(Struct, frozen=True):
    """One reason against one answer. `source` is `check`, `reviewer` or `call`.

    `code` is the check's or the failed call's own name for the reason, blank where it has none.
    """

    node_type: str
    operation: str
    source: str
    text: str
    correlation_id: UUID
    prompt_version: int | None
    model: str
    accepted: bool | None
    code: str = ""


class Cluster(Struct):
    """Problems that say the same; `message` is what most of them say, `said` one in full.

    Those with the same `code` say the same whatever their words.
    """

    node_type: str
    operation: str
    source: str
    message: str
    code: str = ""
    problems: list[Problem] = field(default_factory=list)

    @property
    def answers(self) -> int:
        """How many answers have it: one may have it twice."""
        return len({each.correlation_id for each in self.problems})

    @property
    def said(self) -> str:
        return Counter(each.text for each in self.problems).most_common(1)[0][0]

    def of_version(self, version: int) -> "Cluster":
        """Only the answers of one version of the prompt."""
        found = [each for each in self.problems if each.prompt_version == version]
        return replace(self, problems=found)

    def examples(self) -> list[dict[str, str]]:
        """A few of the answers, each saying it in another way if there are such."""
        by_text: dict[str, Problem] = {}
        for each in self.problems:
            by_text.setdefault(each.text, each)
        return [
            {"call": str(each.correlation_id), "said": each.text[:LONGEST]}
            for each in list(by_text.values())[:EXAMPLES]
        ]


def normalised(text: str, *, source: str) -> str:
    """Without what differs from answer to answer. A check names it behind a colon."""
    text = text.strip().lower()
    if source == "check":
        text = text.split(": ")[0]
    for pattern, replacement in _REPLACED:
        text = pattern.sub(replacement, text)
    return text[:LONGEST].strip(" .")


def clustered(problems: Iterable[Problem]) -> list[Cluster]:
    """Problems brought together within their operation and source, the most answers first."""
    groups: dict[tuple[str, str, str], dict[str, list[Problem]]] = {}
    coded: dict[tuple[str, str, str, str], Cluster] = {}
    for each in problems:
        key = (each.node_type, each.operation, each.source)
        if each.code:
            made = coded.setdefault((*key, each.code), Cluster(*key, each.code, each.code))
            made.problems.append(each)
            continue
        message = normalised(each.text, source=each.source)
        if message:
            groups.setdefault(key, {}).setdefault(message, []).append(each)
    found = list(coded.values())
    for (node_type, operation, source), messages in groups.items():
        found += _joined(node_type, operation, source, messages)
    return sorted(found, key=lambda each: (-each.answers, each.operation, each.message))


def _joined(
    node_type: str, operation: str, source: str, messages: dict[str, list[Problem]]
) -> list[Cluster]:
    """Each message joins the most frequent one that it resembles."""
    clusters: list[tuple[frozenset[str], Cluster]] = []
    ordered = sorted(messages.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    for place, (message, problems) in enumerate(ordered):
        words = frozenset(_WORD.findall(message))
        near = None
        if place < MAX_KINDS:
            near = next((each for known, each in clusters if _alike(words, known)), None)
        if near is None:
            near = Cluster(node_type, operation, source, message)
            clusters.append((words, near))
        near.problems += problems
    return [each for _, each in clusters]


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    return bool(one) and len(one & other) >= ALIKE * len(one | other)

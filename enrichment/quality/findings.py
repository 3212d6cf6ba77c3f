"""What gates and the engine have against answers, and what the codes of it stand for.

A code is known once what registers it is loaded: `enrichment.quality.gates` has them all.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class GateFinding(Struct, frozen=True):
    """One objection to an answer.

    `code` is stable, for programs (`FINDING_CODES`); `text` is a sentence for the reviewer; `data`
    holds what was found, in JSON's types.
    """

    code: str
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)


class FindingCode(Struct, frozen=True):
    """What a code stands for: a label for people, and what to tell a model that earns it.

    `releasable`: a node's judge that may decide can release what is held for this alone.
    `of_answer`: found in one field, it speaks against the others too.
    """

    code: str
    label: "StrOrPromise"
    advice: str = ""
    releasable: bool = False
    of_answer: bool = False


FINDING_CODES: dict[str, FindingCode] = {}


def register_code(
    code: str,
    label: "StrOrPromise",
    advice: str = "",
    *,
    releasable: bool = False,
    of_answer: bool = False,
) -> str:
    """Make a finding's code known to the review's filter and to proposals; returns the code.

    `releasable` only what misleads nobody where a judge finds the answer good. `of_answer` what
    tells that the model did something else than it was asked: then no field of it is applied.
    """
    FINDING_CODES[code] = FindingCode(code, label, advice, releasable, of_answer)
    return code


def may_be_released(findings: Sequence[GateFinding]) -> bool:
    """Whether a judge can release what is held for these: all of them are releasable."""
    known = [FINDING_CODES.get(each.code) for each in findings]
    return bool(known) and all(each is not None and each.releasable for each in known)

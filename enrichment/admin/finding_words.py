"""Why an answer was held, in the reader's language: what is stored is English, for programs too."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import get_language

from enrichment.quality.gates import FINDING_CODES

MAX_SHOWN = 5  # of what a finding found


def in_words(reason: str, findings: Iterable[Mapping[str, Any]] | None) -> str:
    """The reason as it is stored for readers of English; for others each finding by its label.

    `findings` are a result's, each with `code`, `text` and `data`. A reason without any, and a
    finding of a code that nobody knows, stay as they are stored.
    """
    found = list(findings or ())
    if (get_language() or "en").partition("-")[0] == "en" or not found:
        return reason
    return " ".join(map(_said, found))


def _said(finding: Mapping[str, Any]) -> str:
    known = FINDING_CODES.get(finding.get("code", ""))
    if known is None:
        return str(finding.get("text", ""))
    shown = list(_values((finding.get("data") or {}).values()))[:MAX_SHOWN]
    return f"{known.label}: {', '.join(shown)}." if shown else f"{known.label}."


def _values(values: Iterable[Any]) -> Iterable[str]:
    """What of a finding's data can be read."""
    for value in values:
        if isinstance(value, list | tuple):
            yield from _values(value)
        elif isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            yield str(value)

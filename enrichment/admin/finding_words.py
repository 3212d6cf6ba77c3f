"""Why an answer was held, in the reader's language: what is stored is English, for programs too."""

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from django.conf.locale import LANG_INFO
from django.utils.translation import get_language, gettext

from enrichment.enrichments.field_by_field import FIELD
from enrichment.quality.gates import FINDING_CODES

# By a finding's code, which of its data are tags of languages.
LANGUAGES_OF: Mapping[str, Collection[str]] = MappingProxyType(
    {"wrong_language": ("found", "wanted"), "not_judged": ("language",)}
)
MAX_SHOWN = 5  # of what a finding found


def in_words(reason: str, findings: Iterable[Mapping[str, Any]] | None) -> str:
    """The reason as it is stored for readers of English; for others each finding by its label.

    `findings` are a result's, each with `code`, `text` and `data`. A reason without any, and a
    finding of a code that nobody knows, stay as they are stored.
    """
    found = list(findings or ())
    if _reads_english() or not found:
        return reason
    return " ".join(map(_said, found))


def by_field(findings: Iterable[Mapping[str, Any]] | None) -> dict[str, str]:
    """Of the fields that wait, by their names, why: each reason once, without the name."""
    found: dict[str, dict[str, None]] = {}
    for finding in findings or ():
        name = (finding.get("data") or {}).get(FIELD)
        if name:
            said = str(finding.get("text", "")) if _reads_english() else _said(finding)
            found.setdefault(name, {})[said.removeprefix(f"{name}: ")] = None
    return {name: " ".join(said) for name, said in found.items()}


def _reads_english() -> bool:
    return (get_language() or "en").partition("-")[0] == "en"


def _said(finding: Mapping[str, Any]) -> str:
    known = FINDING_CODES.get(finding.get("code", ""))
    if known is None:
        return str(finding.get("text", ""))
    data = dict(finding.get("data") or {})
    field = data.pop(FIELD, "")
    said = _labelled(str(known.label), data, LANGUAGES_OF.get(known.code, ()))
    return f"{field}: {said}" if field else said


def _language(tag: Any) -> Any:
    """A language by its name in the reader's, where Django has one; else its tag."""
    known = LANG_INFO.get(str(tag).partition("-")[0].lower(), {}).get("name")
    if known is None:
        return tag
    return gettext(known) if "-" not in tag else f"{gettext(known)} ({tag})"


def _labelled(label: str, data: Mapping[str, Any], tags: Collection[str] = ()) -> str:
    """`tags` are the keys of `data` whose values are tags of languages."""
    named = {key: _language(value) if key in tags else value for key, value in data.items()}
    shown = list(_values(named.values()))[:MAX_SHOWN]
    return f"{label}: {', '.join(shown)}." if shown else f"{label}."


def _values(values: Iterable[Any]) -> Iterable[str]:
    """What of a finding's data can be read."""
    for value in values:
        if isinstance(value, list | tuple):
            yield from _values(value)
        elif isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            yield str(value)

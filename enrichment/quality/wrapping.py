"""Takes off what chatty models put around a text: fences, quotes, an announcing first line.

What is surely not the text is taken off; what only looks so is left for a reviewer. Where the
source begins in the same way, it is the text's own.
"""

import re
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from enrichment.quality.gates import GateFinding, register_code
from enrichment.quality.lexicon.announcements import CONSENT, PRESENTING, REMARK
from enrichment.quality.patterns import compiled_later

ANSWER_WRAPPED = register_code(
    "answer_wrapped",
    _("Something around the text"),
    "Answer with the text alone: no announcement, quotation marks, fence or remark around it.",
)
MAX_ANNOUNCEMENT = 200  # characters
MAX_LAYERS = 4  # an announcement, a fence in it, quotes in that
_FENCE_BEGINS = compiled_later(r"(```+|~~~+)[^\n`]*\n")
_QUOTES = {
    '"': '"', "'": "'", "“": "”", "„": "“”", "«": "»", "»": "«", "\u2018": "\u2019",
    "「": "」", "『": "』",
}  # fmt: skip
_ADJECTIVE = r"(?:corrected|cleaned|revised|edited|improved|rewritten|translated|updated|polished)"
_NOUN = r"(?:text|listing|version|description|translation|answer|result|output|response)"
_ANNOUNCES = compiled_later(
    rf"(?:{CONSENT}|{PRESENTING})\b.*|(?:以下|这是|翻译|当然|こちら|はい).*|"
    r"(?:here you|the following|i(?:'ve|\u2019ve| have)) .*|"
    rf"(?:the |your |my )?(?:{_ADJECTIVE} )?{_NOUN}\b.*|"
    r"(?:übersetzung|(?:der )?(?:korrigierte|überarbeitete|bereinigte)[rs]? .*)\b.*|"
    r"(?:(?:la )?traducción|(?:el )?texto corregido|(?:la )?traduction|(?:le )?texte corrigé|"
    r"(?:la )?traduzione|(?:il )?testo corretto|vertaling|tradução|tłumaczenie|перевод)\b.*",
    re.IGNORECASE,
)
_NAMES_TEXT = compiled_later(_NOUN, re.IGNORECASE)
_REMARK = compiled_later(
    rf"(?:[(*]?(?:{REMARK})|let me know|i hope this|hope this helps|feel free to|is there anything|"
    r"i (?:have |\u2019ve |'ve )?(?:corrected|changed|kept|removed))",
    re.IGNORECASE,
)
COLONS = (":", "\uff1a")
_MARKUP = "*_# \t"
_BEGINNINGS = frozenset({"<", "`", "~", *_QUOTES})  # of what is taken off, but for announcements


def bare(text: str, sources: Sequence[str]) -> str:
    """The text without what surely stands around it; `sources` are what it was made from."""
    if not _may_be_wrapped(text):
        return text
    for _layer in range(MAX_LAYERS):
        inner = _unfenced(_unmarked(text.strip(), sources), sources)
        inner = _without_announcement(_unquoted(inner, sources), sources)
        if inner == text:
            break
        text = inner
    return text


def _may_be_wrapped(text: str) -> bool:
    """Whether something may stand around a text, by how it begins and ends."""
    begins = text[:1]
    if begins in _BEGINNINGS or begins.isspace() or text[-1:].isspace():
        return True
    return text.partition("\n")[0].strip(_MARKUP).endswith(COLONS)


def wrapped(text: Any, sources: Sequence[str]) -> GateFinding | None:
    """What looks as if it weren't the text that was asked for, after `bare`."""
    if not isinstance(text, str) or text in sources:
        return None
    what, found = _around(text, sources)
    if not found:
        return None
    text = f"There seems to be {what} around the text: {found[:80]}"
    return GateFinding(ANSWER_WRAPPED, text, {"found": found[:80]})


def _around(text: str, sources: Sequence[str]) -> tuple[str, str]:
    """What it is and how it stands there; blank where there is nothing."""
    if "```" in text and not _in("```", sources):
        return "a fence", "```"
    if "think" in text and (found := _tag(text, sources)):
        return "a thought's tag", found
    if text[:1] in _QUOTES and (found := _quote(text, sources)):
        return "quotation marks", found
    first, last = text.partition("\n")[0], text.rpartition("\n")[2]
    if ("\n" in text or ":" in text) and (found := _announcement(text, first, sources)):
        return "an announcement", found
    return "a remark", last if _REMARK.match(last) and not _in(last, sources) else ""


# The marks that prompts put around their data; a model may put them around its answer too.
_MARKS = compiled_later(r"<(listing|text|question|row)>\s*(.*?)\s*</\1>", re.DOTALL)


def _unmarked(text: str, sources: Sequence[str]) -> str:
    found = _MARKS.fullmatch(text)
    if found is None or not found[2] or _begins(sources, f"<{found[1]}>"):
        return text
    return found[2]


def _unfenced(text: str, sources: Sequence[str]) -> str:
    begins = _FENCE_BEGINS.match(text)
    if begins is None or not text.endswith(begins[1]) or _begins(sources, text[:3]):
        return text
    inner = text[begins.end() : -len(begins[1])]
    return text if begins[1] in inner else inner.strip()


def _unquoted(text: str, sources: Sequence[str]) -> str:
    if not _quote(text, sources):
        return text
    inner = text[1:-1]
    if text[0] in inner or any(closing in inner for closing in _QUOTES[text[0]]):
        return text  # "Rex" and "Bella": the first and the last belong to different words
    return inner.strip()


def _quote(text: str, sources: Sequence[str]) -> str:
    """The quotation mark that a text begins with, where it ends with its other half."""
    begin = text[:1]
    if len(text) < 2 or begin not in _QUOTES or text[-1] not in _QUOTES[begin]:
        return ""
    return "" if any(_begins(sources, each) for each in _QUOTES) else begin


def _without_announcement(text: str, sources: Sequence[str]) -> str:
    first, _, rest = text.partition("\n")
    line = first.strip(_MARKUP)
    ends = line.endswith(COLONS) and bool(rest.strip())
    if not ends or not _ANNOUNCES.fullmatch(line) or not _suspicious(first, sources):
        return text
    return rest.strip()


def _announcement(text: str, first: str, sources: Sequence[str]) -> str:
    """A first line, or the words before a first colon, that speak of the text."""
    line = first.strip(_MARKUP)
    head, colon, _ = line[:MAX_ANNOUNCEMENT].partition(":")
    if colon and _NAMES_TEXT.search(head) and _ANNOUNCES.fullmatch(head):
        return "" if _in(head, sources) else head
    if "\n" not in text.strip() or not _suspicious(first, sources):
        return ""
    return line if line.endswith(COLONS) or _ANNOUNCES.fullmatch(line) else ""


def _suspicious(first: str, sources: Sequence[str]) -> bool:
    """Whether a first line is none of the source's, which doesn't begin with a heading either."""
    line = first.strip(_MARKUP)
    if len(first) > MAX_ANNOUNCEMENT or _in(line, sources):
        return False
    firsts = [each.strip().partition("\n")[0].rstrip() for each in sources]
    word = line.casefold().partition(" ")[0]
    return not any(
        each.endswith(COLONS) or each.casefold().startswith(f"{word} ") for each in firsts
    )


def _tag(text: str, sources: Sequence[str]) -> str:
    found = re.search(r"</?think(?:ing)?>", text)
    return found[0] if found is not None and not _in(found[0], sources) else ""


def _in(part: str, sources: Sequence[str]) -> bool:
    wanted = part.strip().casefold()
    return any(wanted in each.casefold() for each in sources)


def _begins(sources: Sequence[str], mark: str) -> bool:
    return any(each.lstrip().startswith(mark) for each in sources)

"""What an answer changed, in sentences: gates look at that, not at what stayed the same.

A sentence that source and answer share is neither invented nor lost, so an answer that changes
little costs little. Everything here is linear in the texts' lengths.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from operator import indexOf, ne

from django.utils.functional import cached_property

from enrichment.quality.gates.comparison import Passage, Sentence, sentences, words
from enrichment.quality.gates.same_sayings import alike
from enrichment.quality.patterns import compiled_later

_AROUND_CHUNKS = " .!?"
_SENTENCE_ENDS = frozenset(".!?")
_ENDS_OF_SENTENCES = (". ", "! ", "? ")


def chunks(text: str) -> list[str]:
    """Roughly its sentences; quick, for finding what stayed the same."""
    if "!" in text:  # to look for one sign takes a tenth of looking for two
        text = text.replace("! ", ". ")
    if "?" in text:
        text = text.replace("? ", ". ")
    if "\n" in text:
        text = text.replace("\n", ". ")
    return [found for each in text.split(". ") if (found := each.strip(_AROUND_CHUNKS))]


@dataclass(frozen=True)
class Changes:
    """What only the source has, and what only the answer has."""

    gone_text: str
    added_text: str

    @cached_property
    def gone(self) -> tuple[Sentence, ...]:
        """The source's sentences that the answer hasn't, word for word."""
        return self._fine[0]

    @cached_property
    def added(self) -> tuple[Sentence, ...]:
        """The answer's sentences that the source hasn't, word for word."""
        return self._fine[1]

    @cached_property
    def _fine(self) -> tuple[tuple[Sentence, ...], tuple[Sentence, ...]]:
        gone, added = _by_letters(self.gone_text), _by_letters(self.added_text)
        return (
            tuple(each for key, each in gone.items() if key not in added),
            tuple(each for key, each in added.items() if key not in gone),
        )

    @cached_property
    def before(self) -> Passage:
        """What is gone, as one passage."""
        return Passage("\n".join(each.text for each in self.gone))

    @cached_property
    def after(self) -> Passage:
        """What is new, as one passage."""
        return Passage("\n".join(each.text for each in self.added))


def _by_letters(text: str) -> dict[str, Sentence]:
    """Sentences by their letters and figures alone: dots, capitals and spaces make none other."""
    found = {}
    for each in sentences(text):
        its = tuple(words(each))
        if its:
            found["".join(its).replace("'", "")] = Sentence(each, its)
    return found


NO_CHANGES = Changes("", "")


def compare(source: str, answer: str) -> Changes:
    """The chunks of a source that an answer lacks, and those that it adds."""
    if source == answer or source.strip(_AROUND_CHUNKS) == answer.strip(_AROUND_CHUNKS):
        return NO_CHANGES
    ours, theirs = chunks(source), chunks(answer)
    return NO_CHANGES if _differ_in_marks(ours, theirs) else _compared(source, answer, ours, theirs)


def _compared(source: str, answer: str, ours: list[str], theirs: list[str]) -> Changes:
    """The same for texts of any kind, of which there are the chunks."""
    rest, other = _without_same_ends(source, answer)
    before, after = rest.split(), other.split()
    if before == after or (_only_tidied(before, after) and not _may_deny_on(rest)):
        return NO_CHANGES
    first, last = _same_ends(before, after)
    gone, added = _differing(
        chunks(_middle(rest, len(before), first, last)),
        chunks(_middle(other, len(after), first, last)),
    )
    elsewhere = any(map(answer.__contains__, gone)) or any(map(source.__contains__, added))
    if elsewhere and (first or last or rest is not source):  # perhaps only moved or repeated
        gone, added = _differing(ours, theirs)
    return Changes(*alike("\n".join(gone), "\n".join(added))) if gone or added else NO_CHANGES


def _differ_in_marks(before: list[str], after: list[str]) -> bool:
    """Whether two texts have the same chunks in the same order, but for marks and capitals.

    Quick, and sure where it says so: what `_compared` finds of such texts is nothing. Not so of
    those in which one side has what the other has elsewhere, nor of those with strange spaces,
    where sentences may end that aren't parted here.
    """
    if len(before) != len(after):
        return False
    pairs = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
    gone, added = [each for each, _ in pairs], [each for _, each in pairs]
    return (
        _without_marks("\n".join(gone), _MARKS_OF_LINES)
        == _without_marks("\n".join(added), _MARKS_OF_LINES)
        and set(gone).isdisjoint(after)
        and set(added).isdisjoint(before)
        and _has_plain_spaces("".join(before))
        and _has_plain_spaces("".join(after))
    )


def _only_tidied(before: list[str], after: list[str]) -> bool:
    """Whether words parted by spaces are the same but for marks that stood several times.

    What ends a sentence still ends one, and what asks still asks.
    """
    if len(before) != len(after):
        return False
    return all(
        _tidied(one) == _tidied(other)
        for one, other in zip(before, after, strict=True)
        if one != other
    )


def _may_deny_on(text: str) -> bool:
    """Whether a line of a text denies at its end, without a mark: joined, it denies the next."""
    return "\n" in text and any(
        _DENIES_ON.search(line[-MAX_LOOKED_AT:])
        for each in text.split("\n")
        if (line := each.rstrip(_AROUND_ENDS)) and line[-1] not in _ENDING
    )


MAX_LOOKED_AT = 200  # characters at the end of a line
_DENIES_ON = compiled_later(  # with as many words behind it as it reaches
    r"(?:\b(?:no|not|none|never|without|nor|neither|cannot)\b|n['’]t\b)"  # noqa: RUF001
    r"(?:[^\w\n]+[\w'’]+){0,6}[^\w\n]*\Z",  # noqa: RUF001
    re.IGNORECASE,
)
_AROUND_ENDS = " \t*\"')”"
_ENDING = frozenset(".!?;:")
_REPEATED = compiled_later(r"[.!?…]+(?=[\"')*]*$)|([.!?~*_=-])\1+")


def _tidied(word: str) -> str:
    """A word with one mark where several of a kind stand; with a point where one calls out."""
    return _REPEATED.sub(lambda run: run[1] or ("?" if "?" in run[0] else "."), word)


def _has_plain_spaces(text: str) -> bool:
    """Whether all spaces in a text are the usual one."""
    if text.isascii():
        return not text.encode().translate(None, _PRINTABLE)
    return text.isprintable()


_PRINTABLE = bytes(range(32, 127))


def _without_same_ends(source: str, answer: str) -> tuple[str, str]:
    """Both without the sentences that stand at their starts and ends letter by letter.

    Quicker than the comparison by words that follows, which looks at what is left.
    """
    first, last = _in_common_at_ends(source, answer)
    start = max(source.rfind(end, 0, first) for end in _ENDS_OF_SENTENCES) + 2
    if start > 1:
        source, answer = source[start:], answer[start:]
    # The word that ends a sentence has to be the same too.
    word = source.find(" ", len(source) - last) if last else -1
    if word >= 0:
        ends = [at for end in _ENDS_OF_SENTENCES if (at := source.find(end, word)) >= 0]
        if ends:
            kept = len(source) - (min(ends) + 2)
            if kept:
                source, answer = source[:-kept], answer[:-kept]
    return source, answer


def _in_common_at_ends(text: str, other: str) -> tuple[int, int]:
    """How many characters both begin with, and with how many of the others both end.

    Halving what may be the same takes a dozen comparisons.
    """
    first, most = 0, min(len(text), len(other))
    end = most
    while first < end:
        middle = (first + end + 1) // 2
        if text[first:middle] == other[first:middle]:
            first = middle
        else:
            end = middle - 1
    last, end = 0, most - first
    while last < end:
        middle = (last + end + 1) // 2
        if text[-middle : -last or None] == other[-middle : -last or None]:
            last = middle
        else:
            end = middle - 1
    return first, last


def _differing(before: list[str], after: list[str]) -> tuple[list[str], list[str]]:
    """The chunks that only one side has, whatever their marks."""
    others, ours = set(after), set(before)
    gone = [each for each in before if each not in others]
    added = [each for each in after if each not in ours]
    if not gone or not added:
        return gone, added
    forms, its = list(map(_without_marks, gone)), list(map(_without_marks, added))
    known, kept = set(its), set(forms)
    return (
        [each for each, form in zip(gone, forms, strict=True) if form not in known],
        [each for each, form in zip(added, its, strict=True) if form not in kept],
    )


# What punctuation a text is written with says nothing else: but a point in a number does.
_MARKS = b"!?*~_\"' "
_CURLY_MARKS = "“”’…"  # noqa: RUF001
_SPACES = b"\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f"
_MARKS_OF_LINES = _MARKS  # where line ends stay
_POINT = compiled_later(r"\.(?!\d)")
_STRANGE_SPACE = compiled_later(r"[^\S\n]")


def _without_marks(text: str, marks: bytes = _MARKS + _SPACES) -> bytes:
    """What is compared of a text: no points, marks, spaces and capitals."""
    text = text.lower()
    if not text.isascii():
        for each in _CURLY_MARKS:
            text = text.replace(each, "'")
        text = _STRANGE_SPACE.sub(" ", text)
    if "." in text:
        text = _POINT.sub("", text)
    return text.encode(errors="surrogatepass").translate(None, marks)


def _same_ends(before: list[str], after: list[str]) -> tuple[int, int]:
    """How many words of whole sentences are the same at the start and at the end."""
    shorter = min(len(before), len(after))
    first = _in_common(before, after, shorter)
    last = _in_common(reversed(before), reversed(after), shorter - first)
    while first and before[first - 1][-1] not in _SENTENCE_ENDS:
        first -= 1
    while last:
        last -= 1
        if before[len(before) - last - 1][-1] in _SENTENCE_ENDS:
            break
    return first, last


def _in_common(words: Iterable[str], others: Iterable[str], most: int) -> int:
    """With how many of the same words both begin, at most so many."""
    try:
        return min(indexOf(map(ne, words, others), True), most)
    except ValueError:  # one is the beginning of the other
        return most


def _middle(text: str, count: int, first: int, last: int) -> str:
    """A text of `count` words without so many of them at its start and end."""
    if first:
        text = "".join(text.split(None, first)[first:])
    if last:
        text = text.rsplit(None, last)[0] if count - first > last else ""
    return text

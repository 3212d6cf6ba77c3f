"""Changed sentences beside those that they came from, by the words that they share."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from enrichment.quality.gates.comparison import Sentence, stem

MAX_POSTINGS = 8  # sentences that a word may stand in and still tell where one came from


def beside(
    gone: Sequence[Sentence], added: Sequence[Sentence]
) -> Iterator[tuple[list[Sentence], list[Sentence]]]:
    """Sentences that were changed with those that they became: one each, or some that were joined.

    By the words that they share, rare ones alone; those without any are left out.
    """
    before, after = ([{*map(stem, each.words)} for each in side] for side in (gone, added))
    if len(gone) == 1 or len(added) == 1:  # then all words are rare on one side
        one, other = (frozenset().union(*roots) for roots in (before, after))
        ours = [each for each, its in zip(gone, before, strict=True) if not other.isdisjoint(its)]
        theirs = [each for each, its in zip(added, after, strict=True) if not one.isdisjoint(its)]
        if ours:
            yield ours, theirs
        return
    yield from _grouped(gone, added, before, after)


def _grouped(
    gone: Sequence[Sentence],
    added: Sequence[Sentence],
    before: Sequence[AbstractSet[str]],
    after: Sequence[AbstractSet[str]],
) -> Iterator[tuple[list[Sentence], list[Sentence]]]:
    """The same for any number of sentences, of whose words there are the stems."""
    parts = list(range(len(gone) + len(added)))

    def root(at: int) -> int:
        while parts[at] != at:
            parts[at] = parts[parts[at]]
            at = parts[at]
        return at

    for first, ones, others in ((0, before, after), (len(gone), after, before)):
        postings = _postings(ones)
        for at, roots in enumerate(others):
            shared: dict[int, int] = {}
            for word in roots & postings.keys():
                for each in postings[word]:
                    shared[each] = shared.get(each, 0) + 1
            if shared:
                # The nearest of those that share most words, and of two of these the first.
                best = max(shared, key=lambda each: (shared[each], -abs(each - at), -each))
                parts[root(len(gone) - first + at)] = root(first + best)
    found: dict[int, tuple[list[Sentence], list[Sentence]]] = {}
    for at, sentence in enumerate((*gone, *added)):
        found.setdefault(root(at), ([], []))[at >= len(gone)].append(sentence)
    yield from (each for each in found.values() if each[0] and each[1])


def _postings(sentences: Sequence[AbstractSet[str]]) -> dict[str, list[int]]:
    """The places of sentences by each word that few of them have."""
    found: dict[str, list[int]] = {}
    for at, roots in enumerate(sentences):
        for word in roots:
            found.setdefault(word, []).append(at)
    return {word: each for word, each in found.items() if len(each) <= MAX_POSTINGS}

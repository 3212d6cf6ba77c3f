"""Words, phrases and counterparts that are found quickly are those that the slow way finds."""

import random
import re
from collections.abc import Callable, Sequence

import pytest

from benchmarks.quality import edits
from enrichment.quality.gates import compared_words, counterparts, form, parted
from enrichment.quality.gates.comparison import Sentence, stem, words
from enrichment.quality.lexicon.phrases import PHRASES

SIGNS = (*"abcXYZ019' _-.,!\n\té’“”…–½ſ猫", "''", " '", "\u00a0", "\ud800")  # noqa: RUF001


@pytest.mark.parametrize(
    ("quick", "pattern"),
    [
        (parted.letters_and_figures, r"[^\W_]+"),
        (parted.letters, r"[^\W\d_]+"),
        (parted.words_with_apostrophes, r"[^\W_]+(?:'[^\W_]+)*"),
    ],
)
def test_a_text_is_parted_as_the_pattern_says(quick: Callable[[str], list[str]], pattern: str):
    rng = random.Random(3)
    for _ in range(5_000):
        signs = SIGNS[: rng.choice((14, len(SIGNS)))]
        text = "".join(rng.choice(signs) for _ in range(rng.randrange(25)))
        assert quick(text) == re.findall(pattern, text), repr(text)


def test_phrases_are_joined_in_their_order_also_those_that_come_of_others():
    rng = random.Random(4)
    many = list(PHRASES)
    alone = sorted({word for phrase in many for word in phrase.split()} | {*PHRASES.values()})
    joined = 0
    for _ in range(3_000):
        told = [rng.choice(rng.choice((many, alone))) for _ in range(rng.randrange(1, 8))]
        text = plain = f" {rng.choice((' ', '  ')).join(told)} "
        for phrase, word in PHRASES.items():
            plain = plain.replace(f" {phrase} ", f" {word} ")
        assert compared_words._joined(text) == plain, text
        joined += plain != text
    assert joined > 2_000


def said(text: str) -> Sequence[Sentence]:
    return [Sentence(each, tuple(words(each))) for each in text.split(". ") if words(each)]


def test_one_sentence_has_the_counterparts_that_it_has_among_many():
    rng = random.Random(5)
    pairs = [(before, after) for _, before, after in edits("quality_edits_narrow.txt")]
    found = 0
    for before, after in pairs:
        gone, added = said(before), said(after)
        if rng.randrange(2):
            gone = [rng.choice(gone)]
        else:
            added = [rng.choice(added)]
        before_roots, after_roots = (
            [{*map(stem, each.words)} for each in side] for side in (gone, added)
        )
        beside = list(counterparts.beside(gone, added))
        grouped = counterparts._grouped(gone, added, before_roots, after_roots)
        assert beside == list(grouped), (before, after)
        found += bool(beside)
    assert found > 100


@pytest.mark.parametrize(
    "start",
    [
        "Here is the corrected text:\n\nRex", "Sure! Here's the listing, corrected:\nRex",
        "I've rewritten the listing.", "the following is: \nRex", "** Corrected version:\nRex",
        "Certainly. Below you find it", "As an AI I can't say", "I'm sorry, but no",
        "GREAT! here:", "here you go!\n", "My edited description: Rex",
    ],
)  # fmt: skip
def test_announcements_are_passed_on_by_the_quick_look(start):
    for text in (start, start.upper(), f"*** {start}", start.replace(" ", "\x0b")):
        assert not form._ANNOUNCED.match(text) or form._MAY_BE_ANNOUNCED.match(text), text
    assert form._ANNOUNCED.match(start)


@pytest.mark.parametrize(
    "end",
    [
        "Let me know if it is right.", "I hope this helps!", "Is there anything else?",
        "I have corrected the spelling.", "NOTE: The capitals were removed", "made changes",
    ],
)  # fmt: skip
def test_farewells_are_passed_on_by_the_quick_look(end):
    assert form._FAREWELL.search(end)
    assert form._MAY_BE_FAREWELL.search(f"Call us. {end}")

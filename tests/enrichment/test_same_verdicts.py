"""What is decided by a quick look is what the whole way decides: one table of cases goes both."""

import random
import re

import pytest
import re2

from benchmarks.injections import injected
from benchmarks.quality import edits, listings
from enrichment.enrichments import get
from enrichment.quality import disguises
from enrichment.quality.gates import Checked, changes
from enrichment.quality.gates import instructions as gate

MARKS = (*"! !! ... * “ ’ - 3".split(), " ", "  ", "\n", "\n\n", ". ", "! ", "\t", "\u00a0")  # noqa: RUF001
FILES = ("quality_edits_narrow.txt", "quality_hostile.txt", "quality_edits_blind.txt")


def remarked(text: str, rng: random.Random) -> str:
    """With other marks, spaces and capitals in a few places."""
    parts = re.split(r"(\W+)", text)
    for _ in range(rng.choice((1, 2, 6))):
        at = rng.randrange(len(parts))
        parts[at] = rng.choice(
            (
                parts[at].upper(),
                parts[at] + rng.choice(MARKS),
                rng.choice(MARKS) + parts[at],
                parts[at] * 2,
            )
        )
    return "".join(parts)


def pairs() -> list[tuple[str, str]]:
    """Sources with answers: edited, remarked, with lines joined, and with sentences moved."""
    rng = random.Random(14)
    texts = [text for _, text in listings(every=25)]
    found = [(before, after) for file in FILES for _, before, after in edits(file)]
    for text in texts:
        found += [(text, remarked(text, rng)) for _ in range(4)]
        found.append((text, " ".join(text.split())))
        found.append((text, re.sub(r"([!?.*-])\1+", r"\1", " ".join(text.split()))))
        found.append((text, ". ".join(reversed(text.split(". ")))))
    return found


def test_texts_that_differ_in_marks_alone_have_no_changes_by_the_long_way():
    quick = 0
    for source, answer in pairs():
        both = changes.chunks(source), changes.chunks(answer)
        if source == answer or not changes._differ_in_marks(*both):
            continue
        quick += 1
        assert changes._compared(source, answer, *both) is changes.NO_CHANGES, (source, answer)
    assert quick > 50


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        ("He is calm!!Really. He is calm!Really", "He is calm!Really. He is calm!Really"),
        ("He is calm. He is shy", "He is shy. He is calm"),
        ("He is 1.5 years old!!! Call us", "He is 15 years old! Call us"),
        ("No cats.\tHe is calm!! Call us", "No cats.\tHe is calm! Call us"),
        ("No cats\nHe is calm", "No cats He is calm"),
    ],
)
def test_what_may_be_more_than_marks_is_not_told_by_the_quick_look(source, answer):
    assert not changes._differ_in_marks(changes.chunks(source), changes.chunks(answer))


def test_the_gates_that_are_asked_find_what_all_of_them_find():
    asked = get("description_cleaning")._all_gates
    for source, answer in pairs():
        checked = Checked((answer,), source, value=answer, original=source)
        found = [finding for each in asked.gates if (finding := each(checked)) is not None]
        assert asked.findings(checked) == tuple(found), (source, answer)


def disguised(text: str) -> list[str]:
    """A text in the ways in which a model reads it and a person doesn't notice."""
    return [
        text,
        text.upper(),
        text.translate(str.maketrans("oieas", "01345")),
        text.replace("i", "!").replace("s", "$"),
        f"good boy!{text}",
        f"“{text}” — so they say",
        text.replace("a", "а").replace("o", "о"),  # noqa: RUF001 - Cyrillic
        " ".join(text[:30]),
        text[::-1],
        f"{text} … ½",
    ]


def test_sources_that_speak_to_a_model_are_found_as_by_the_long_way():
    texts = [each.listing for each in injected()]
    plain = [text for _, text in listings(every=10)]
    cases = [way for each in texts for way in disguised(each)]
    cases += [f"{text}\n{each}" for text, each in zip(plain, cases, strict=False)] + plain
    spoken = 0
    for case in cases:
        found = gate._addressed(case)
        spoken += found is not None
        assert found == gate._spoken(case, speaks=True, disguised=True, hidden=True), case
    assert 500 < spoken < len(cases) - 100


SIGNS = re2.compile(rb"[!$|][a-z]{3,}|[a-z]{1,20}[!$|][a-z]{1,20}")


def test_signs_between_letters_are_read_as_the_pattern_says():
    rng = random.Random(7)
    letters, marks = b"abcdez", b"!$|!! .1\n"
    for _ in range(5_000):
        many = rng.choice((1, 3, 12))
        text = bytes(
            rng.choice(letters if rng.randrange(many + 1) else marks)
            for _ in range(rng.randrange(70))
        )
        places: list[int] = []
        expected: list[int] = []

        def read(found: "re2._Match[bytes]", expected: list[int] = expected) -> bytes:
            expected.append(found.start())
            return bytes(found[0].translate(disguises._AS_LETTERS))

        assert disguises._without_signs(text, places) == SIGNS.sub(read, text), text
        assert places == expected, text

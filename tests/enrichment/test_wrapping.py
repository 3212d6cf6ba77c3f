"""What stands around a text that a model was asked for: taken off, or held back."""

import pytest

from enrichment.quality.wrapping import bare, wrapped

SOURCE = ("Rex", "rex is a calm dog. he like walks.")
TEXT = "Rex is a calm dog.\nHe likes walks."


@pytest.mark.parametrize(
    "said",
    [
        f"```\n{TEXT}\n```",
        f"~~~markdown\n{TEXT}\n~~~",
        f"<listing>\n{TEXT}\n</listing>",
        f"“{TEXT}”",
        f"«{TEXT}»",
        f"„{TEXT}“",
        f"Sure! Here is the listing:\n\n{TEXT}",
        f"**Corrected listing:**\n{TEXT}",
        f"Hier ist der korrigierte Text:\n{TEXT}",
        f"Voici le texte corrigé :\n\n{TEXT}",
        f'Certainly, here you go:\n```text\n"{TEXT}"\n```',
    ],
)
def test_what_surely_stands_around_is_taken_off(said):
    assert bare(said, SOURCE) == TEXT
    assert wrapped(TEXT, SOURCE) is None


@pytest.mark.parametrize(
    "said",
    [
        f"Here is the text you asked for: {TEXT}",
        f"Sure, I can do that.\n{TEXT}",
        f"{TEXT}\nLet me know if you need anything else.",
        f"```\n{TEXT}\n```\nI kept all facts.",
        f"{TEXT}\n<think>Was that all?</think>",
        f"Our dog of the week:\n{TEXT}",
    ],
)
def test_what_only_looks_so_is_held_back(said):
    found = wrapped(bare(said, SOURCE), SOURCE)
    assert found is not None
    assert found.code == "answer_wrapped"


@pytest.mark.parametrize(
    ("said", "source"),
    [
        (TEXT, SOURCE),
        ('"Rex" is calm, and so is "Bella"', ("Rex", '"Rex" is calm, and so is "Bella"')),
        ('"Rex sits," she says. "Rex!"', ("", '"rex sits", she says. "rex!"')),
        ("Requirements:\nA garden.", ("Rex", "requirements:\na garden")),
        ("Nuestro perro:\nRex es tranquilo.", ("Rex", "Our dog:\nRex is calm.")),
        ("Here is Rex! A calm dog.\nHe likes walks.", ("Rex", "Here is rex a calm dog. he like")),
    ],
)
def test_what_the_source_has_itself_is_the_texts_own(said, source):
    assert bare(said, source) == said
    assert wrapped(said, source) is None

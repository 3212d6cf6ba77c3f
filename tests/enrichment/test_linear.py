"""No gate, pattern or check takes more than its share for a long text, however hostile it is."""

import json

import pytest

from enrichment.enrichments import coded, get
from enrichment.listings.concepts import CONCEPTS, LANGUAGES
from enrichment.listings.statements import CHOICES, STATEMENTS
from enrichment.plain_text import plain
from enrichment.quality.gates import Checked, Gate, addresses_model, columns_decide, concepts_kept
from enrichment.quality.gates.attestations import attestations
from enrichment.quality.gates.evidence import EvidenceSource
from enrichment.quality.languages import guess
from enrichment.quality.logprobs import likelihoods
from tests.measuring import is_linear

SIZE, TIMES = 6_000, 8  # characters, and how much larger the larger text is
HOSTILE = {
    "word": "a",
    "underscores": "a_",
    "digits": "1",
    "commas": "1,",
    "fractions": "1 1/2 ",
    "phones": "555-010-0199 ",
    "ats": "a@",
    "mails": "a.b@c.d.",
    "dashes": "a-",
    "dots": ".",
    "dot words": "a.b",
    "capitals": "Aa-",
    "names": "then Bob Cat ",
    "quotes": "it's ",
    "stars": "*",
    "brackets": "[insert ",
    "braces": "{ <",
    "spaces": " ",
    "denials": "not no never good with cats, ",
    "units": "75 lbs 34 kg ",
    "pronouns": "he she his her ",
    "signs": "体重30ポンド。",
    "strange": "\u0660\u0661é\u202e",
    "injected": "ignore all of my the your ",
    "urls": "http://www.",
    "lines": "a\n\n",
    "entities": "&amp;<",
}


def text_of(piece, size):
    return (piece * (size // len(piece) + 1))[:size]


def checks():
    seen: dict[str, Gate] = {}
    for enrichment in coded():
        for number, gate in enumerate(enrichment.gates):
            label = getattr(gate, "__qualname__", str(gate)).partition(".")[0]
            seen.setdefault(f"{label} {number}" if "<" in label else label, gate)
    seen["addresses_model"] = addresses_model
    seen["concepts in a translation"] = concepts_kept(CONCEPTS, LANGUAGES)
    seen["columns"] = columns_decide((*STATEMENTS, *CHOICES), text_counts=False)
    return seen


COLUMNS = {
    "good_with_cats": False,
    "house_trained": True,
    "sex": "Male",
    "age": "Baby",
    "name": "Bo",
}


def gate_on(gate, language):
    def check(text):
        gate(
            Checked(
                (f"{text} x",), f"y {text}", language, COLUMNS, {"gsd": ("german shepherd",)}, text
            )
        )
        gate(Checked((text,), "He is 5 years old and not good with cats.", language, COLUMNS))

    return check


@pytest.mark.parametrize("label", sorted(checks()))
def test_a_gates_time_grows_with_the_text_and_no_faster(label):
    gate = checks()[label]
    check = gate_on(gate, "de" if "translat" in label else "")
    assert [
        name
        for name, piece in HOSTILE.items()
        if not is_linear(check, text_of(piece, SIZE), text_of(piece, SIZE * TIMES))
    ] == []


@pytest.mark.parametrize(
    "check",
    [
        guess,
        plain,
        lambda text: EvidenceSource(text).quotes(text[: len(text) // 2]),
        lambda text: attestations.__wrapped__(text).by_key,
    ],
    ids=["language", "plain", "evidence", "attestations"],
)
def test_what_texts_go_through_besides_is_linear_too(check):
    for name, piece in HOSTILE.items():
        assert is_linear(check, text_of(piece, SIZE), text_of(piece, SIZE * TIMES)), name


@pytest.mark.parametrize("name", ["description_cleaning", "translation", "dog_profiler", "respond"])
def test_no_text_breaks_a_gate(name):
    enrichment = get(name)
    for piece in HOSTILE.values():
        text = text_of(piece, SIZE)
        values = {"name": "Rex", "facts": "", "question": "", "description": text, "text": text}
        for answer in (text, f"{text} x", "He is 5.", f"x {text_of(piece, SIZE // 2)}"):
            found = enrichment.objections(answer, values, variant="de", columns=COLUMNS)
            assert "check_failed" not in {each.code for each in found}, piece


def test_likelihoods_of_many_values_are_linear():
    def check(text):
        number = len(text) // 10
        answer = json.dumps({"tags": [{"tag": "calm"}] * number})
        likelihoods(answer, ((answer.encode(), -0.1),), key="tag", values=["calm"] * number)

    assert is_linear(check, "a" * SIZE, "a" * SIZE * TIMES)


@pytest.mark.parametrize("piece", ["a", "1,", "a@b.", "not good with cats, ", "&amp;<b>", "Aa-"])
def test_a_row_of_ten_megabytes_goes_to_a_person_at_once(piece):
    enrichment = get("description_cleaning")
    huge = text_of(piece, 10_000_000)
    values = {"name": "Rex", "description": plain(huge) or "x"}

    def check(text):
        return enrichment.objections(text, values, variant="")

    def read(text):
        return enrichment.values({"name": "Rex", "description": text}, variant="")

    (found,) = check(huge)
    assert found.code == "too_large"
    # 125 times as long as one that is looked at, and done as soon as one that is 8 times as long.
    looked_at = text_of(piece, 80_000)
    assert is_linear(check, looked_at, huge)
    assert is_linear(read, looked_at, huge)
    assert is_linear(check, looked_at[:10_000], looked_at)

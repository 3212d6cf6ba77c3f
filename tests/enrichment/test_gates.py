"""Each gate bites where it should, and none on what the rescues themselves wrote."""

# ruff: noqa: RUF001 - texts in many scripts are the point here

import csv
import gzip
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.utils import translation

from enrichment.enrichments import get, names
from enrichment.plain_text import plain
from enrichment.quality import gates
from enrichment.quality.gates import Checked
from enrichment.quality.languages import guess
from tests.measuring import function_calls

CALLS_A_ROW = 95  # Python's functions and built-in ones, over all shipped listings
ENGLISH = (
    "Rex is a friendly dog of 5 years who weighs 30 pounds. He was found near the river in Waterloo"
    " and is now looking for a home with a garden. You can call 555-010-0199 or write to"
    " adopt@example.org to meet him, he would love that very much."
)
GERMAN = "Rex ist ein lieber Hund und sucht ein Zuhause mit Garten, er ist auch sehr verspielt."
SPANISH = "Rex es un perro muy amable que busca una casa con jardín para los fines de semana."


def checked(text, source=ENGLISH, language=""):
    return Checked((text,), source, language)


@pytest.fixture(scope="module")
def listings():
    with gzip.open(settings.BASE_DIR / "fixtures" / "dogs.csv.gz", "rt") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize("language", ["en", "de", "es"])
def test_each_reason_has_a_label_of_its_own(language):
    with translation.override(language):
        labels = [str(each.label) for each in gates.FINDING_CODES.values()]
    assert len(labels) == len(set(labels)) > 20


def test_every_real_listing_passes_its_own_gates_save_the_one_with_a_template_in_it(listings):
    cleaning = get("description_cleaning")
    alarms = {}
    for row in listings:
        values = cleaning.values(row, variant="")
        text = values["description"]
        if text and (found := cleaning.objections(text, values, variant="")):
            alarms[row["id"]] = [(each.code, each.text) for each in found]
    template = ("template_remains", "It holds a template's remains: HUNDENAME.")
    assert alarms == {"de-116228": [template]}


def test_all_gates_together_take_few_calls_a_row(listings):
    """`make quality` tells the time."""
    cleaning = get("description_cleaning")
    prepared = [cleaning.values(row, variant="") for row in listings]

    def check():
        for values in prepared:
            cleaning.objections(values["description"], values, variant="")

    assert function_calls(check) / len(prepared) < CALLS_A_ROW


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (ENGLISH, "en"),
        (GERMAN, "de"),
        (SPANISH, "es"),
        ("Le chien est très gentil et il cherche une famille avec un jardin pour jouer.", "fr"),
        ("De hond is heel lief en zoekt een huis met een tuin voor de kinderen.", "nl"),
        ("Pies jest bardzo miły i nie boi się dzieci, ale nie lubi kotów oraz szuka domu.", "pl"),
        ("Köpek çok sevimli ve bir ev için bekliyor, daha önce bir ailesi var.", "tr"),
        ("Собака очень добрая и ищет дом, мы её любим.", "ru"),
        ("Собака дуже добра і шукає дім, її знайшли.", "uk"),
        ("犬はとても優しいです。家を探しています。", "ja"),
        ("这只狗非常友善，正在寻找新家。", "zh"),
        ("الكلب ودود جدا ويبحث عن منزل", "arabic"),
        ("Rex, 5", ""),
        ("", ""),
    ],
)
def test_a_language_is_told_by_its_script_and_small_words_or_not_at_all(text, code):
    assert guess(text) == code


@pytest.mark.parametrize(
    ("text", "source", "language", "fails"),
    [
        (ENGLISH, ENGLISH, "", False),
        (GERMAN, ENGLISH, "", True),
        (SPANISH, ENGLISH, "es", False),
        (SPANISH, ENGLISH, "es-MX", False),
        (ENGLISH, ENGLISH, "es", True),
        (GERMAN, ENGLISH, "es", True),
        (ENGLISH, ENGLISH, "sw", True),  # Swahili isn't told, but that nothing was done is
        (SPANISH, ENGLISH, "ca", False),  # Catalan may look like it
        ("Собака очень добрая и ищет дом.", ENGLISH, "ru", False),
        ("Собака очень добрая, мы её любим.", ENGLISH, "uk", True),
        ("الكلب ودود جدا ويبحث عن منزل", ENGLISH, "fa", False),
        ("الكلب ودود جدا ويبحث عن منزل", ENGLISH, "he", True),
        ("Ok!", ENGLISH, "es", False),
    ],
)
def test_the_language_gate(text, source, language, fails):
    assert bool(gates.language(checked(text, source, language))) is fails


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("He is 5 years old and weighs 30lbs.", ""),
        ("He is 6 years old.", "6"),
        ("Call (555) 010-0199.", ""),
        ("Call 5550100199 now.", "5550100199"),  # glued: a person looks whether it is the same
        ("Call 555-010-0198.", "0198"),
        ("He is 05 years old.", ""),
        ("The chip is A7f39c2.", ""),  # a code is no number
    ],
)
def test_numbers_from_nowhere_are_found(text, unknown):
    found = gates.unknown_numbers(checked(text))
    assert (
        (found.code, unknown in found.text) == ("unknown_numbers", True) if unknown else not found
    )


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("The fee is 1,200 dollars.", "Fee: $1200"),
        ("The fee is 1.200 Euro.", "Fee: 1,200"),
        ("He is 2 years old and has 2 brothers.", "He is two years old."),
        ("Open until 17 Uhr.", "Open until 5 pm."),
        ("Born on 3 February 2019.", "born 02/03/2019"),
        ("عمره ٥ سنوات", "He is 5 years old."),
    ],
)
def test_the_same_number_in_other_clothes_is_no_new_one(text, source):
    assert not gates.unknown_numbers(checked(text, source))


@pytest.mark.parametrize(
    ("text", "fails"),
    [
        ("Write to adopt@example.org.", False),
        ("Write to ADOPT@example.org!", False),
        ("Write to rescue@example.org.", True),
        ("See www.example.org/rex for more.", True),
        ("See https://evil.example/rex", True),
        ("He is nice.He runs.", False),
    ],
)
def test_addresses_from_nowhere_are_found(text, fails):
    assert bool(gates.unknown_addresses(checked(text))) is fails


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("He was found in Waterloo by a friend.", ""),
        ("He was found in Chicago by a friend.", "Chicago"),
        ("He was found near Waterlo and is nice.", ""),  # a spelling, not a place
        ("He arrives on Monday.", ""),
        ("A Friendly Family Companion Seeks Garden", ""),  # a heading
        ("Er ist ein lieber Hund und mag die Sonne, das Wasser und die Kinder sehr.", ""),
    ],
)
def test_names_from_nowhere_are_found(text, unknown):
    found = gates.unknown_names(checked(text))
    assert (
        (found.code, found.data["found"]) == ("unknown_names", [unknown]) if unknown else not found
    )


@pytest.mark.parametrize("text", ["Meet {{name}}!", "<listing>Rex</listing>", "Meet [Dog's name]."])
def test_a_template_that_nobody_filled_is_found(text):
    assert gates.template_remains(checked(text))


def test_an_answer_much_shorter_or_longer_than_its_source_is_held_back():
    gate = gates.length(0.5, 1.6)
    assert gate(checked("Nice dog.")).code == "too_short"
    assert gate(checked(ENGLISH * 2)).code == "too_long"
    assert not gate(checked(ENGLISH[:-30]))
    assert not gate(checked("A very nice and friendly dog indeed.", "Nice dog."))


def test_an_enrichment_names_every_reason_at_once():
    values = {"name": "Rex", "description": plain(ENGLISH)}
    found = get("description_cleaning").objections(
        "Rex is 9 years old. Ask {{name}}.", values, variant=""
    )
    assert {"template_remains", "unknown_numbers"} <= {each.code for each in found}
    assert "too_short" in {each.code for each in found}


@pytest.mark.parametrize(
    "text",
    [
        "詳細はadopt@example.orgまでご連絡ください。",
        "请发邮件至adopt@example.org联系我们。",
        "adopt@example.org로 연락해 주세요.",
        "サイトはwww.example.org/rexをご覧ください",
    ],
)
def test_addresses_in_texts_without_spaces_are_the_sources_own(text):
    source = "Write to adopt@example.org or see www.example.org/rex for more."
    assert gates.unknown_addresses(checked(text, source, "ja")) is None
    other = text.replace("adopt", "info").replace("/rex", "/max")
    assert gates.unknown_addresses(checked(other, source, "ja")).code == "unknown_addresses"


@pytest.mark.parametrize(
    ("text", "source", "code"),
    [
        ("Er wiegt 75 kg.", "He weighs 75 lbs.", "changed_units"),
        ("Er wiegt 34 kg.", "He weighs 75 lbs.", ""),
        ("Él pesa 75 libras.", "He weighs 75 lbs.", ""),
        ("彼の体重は75キロです。", "He weighs 75 lbs.", "changed_units"),
        ("He weighs seventy-five pounds.", "He weighs 75 lbs.", ""),
    ],
)
def test_a_unit_stays_or_is_converted_rightly(text, source, code):
    found = gates.changed_units(checked(text, source, "de"))
    assert (found.code if found else "") == code


LISTING = (
    "Rex is a very sweet dog who is not good with cats or small children. He was fostered in Texas."
    " He is heartworm positive and needs a fenced yard for the rest of his life."
)
RIGHT = (
    "Rex ist ein sehr lieber Hund, der nicht gut mit Katzen oder kleinen Kindern ist. Er wurde in"
    " Texas gepflegt. Er ist herzwurmpositiv und braucht einen eingezäunten Garten."
)


@pytest.mark.parametrize(
    ("wrong", "instead", "code"),
    [
        ("", "", ""),
        ("nicht gut", "gut", "flipped_concept"),
        ("gepflegt", "gestorben", "new_concept"),
        ("herzwurmpositiv und ", "", "lost_concept"),
        ("Katzen oder ", "", "lost_concept"),
        ("einen eingezäunten", "einen", "lost_concept"),
        ("Rex", "König", "changed_name"),
        ("Rex ist", "Hier ist die Übersetzung:\nRex ist", "announcement"),
    ],
)
def test_a_translation_keeps_what_is_denied_demanded_and_named(wrong, instead, code):
    values = {"name": "Rex", "text": LISTING, "language": "German"}
    text = RIGHT.replace(wrong, instead) if wrong else RIGHT
    found = get("translation").objections(text, values, variant="de", columns={"name": "Rex"})
    assert [each.code for each in found] == ([code] if code else [])


def test_a_warning_in_a_language_that_nobody_knows_here_goes_to_a_person():
    values = {"name": "Rex", "text": LISTING, "language": "Finnish"}
    text = "Rex on hyvin suloinen koira, joka ei tule toimeen kissojen kanssa ja joka oli kotona."
    found = get("translation").objections(text, values, variant="fi")
    assert "not_judged" in {each.code for each in found}
    plain_text = "Rex is a very sweet dog and he is looking for a home with you."
    values = {"name": "Rex", "text": plain_text, "language": "Finnish"}
    right = "Rex on hyvin suloinen koira, ja hän etsii kotia teidän kanssanne."
    assert get("translation").objections(right, values, variant="fi") == ()


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("Rex es un perro muy dulce que juega con juguetes que chillan.", False),
        ("Rex es un perro muy dulce que juega con juguetes squeaky.", True),
        ("Rex es un husky muy dulce que juega con juguetes que chillan.", False),
    ],
)
def test_words_that_were_not_translated_are_found(text, held):
    source = "Rex is a very sweet husky dog who plays with squeaky toys."
    found = gates.untranslated(checked(text, source, "es"))
    assert (found is not None) is held


PROFILED = "Rex is a sweet dog. He loves his ball and naps on your lap. He came from Waterloo."


def profiled(**parts):
    values = {"name": "Rex", "facts": "age: Adult", "description": PROFILED}
    profile = {"tagline": "A sweet dog with a ball", "bio": "Rex loves his ball.", **parts}
    record = SimpleNamespace(finish_reason="stop")
    answer: Any = SimpleNamespace(parsed=profile, text="", tokens=(), record=record)
    columns = {"name": "Rex"}
    return get("dog_profiler").judge(answer, values, variant="", floor=0.0, columns=columns)


def test_a_profile_keeps_what_the_source_says_and_leaves_the_rest_to_a_person():
    found = profiled(
        interests=["his ball", "swimming"],
        fun_fact="He won a prize in a race.",
        looking_for="A loving home.",
    )
    assert not found.findings
    assert found.value["interests"] == ["his ball"]
    assert found.value["looking_for"] == "A loving home."
    assert "fun_fact" not in found.value
    assert found.suggestion["fun_fact"]
    assert {each.code for each in found.doubts} >= {"invented"}


@pytest.mark.parametrize(
    ("bio", "code"),
    [
        ("Rex is obedient with his ball.", "new_concept"),
        ("Rex sails boats across oceans.", "invented"),
        ("Rex loves his ball for over a year.", "invented"),
    ],
)
def test_what_a_profile_claims_and_nobody_said_waits_for_a_person(bio, code):
    found = profiled(bio=bio)
    assert found.value == {"tagline": "A sweet dog with a ball"}
    assert code in {each.code for each in found.doubts}
    assert found.suggestion["bio"] == bio
    nothing = profiled(bio=bio, tagline="A champion swimmer")
    assert code in {each.code for each in nothing.findings}


@pytest.mark.parametrize(
    ("source", "bio", "column", "held"),
    [
        ("Children 12+ would be ideal.", "He is great with children.", None, True),
        ("Children 12+ would be ideal.", "He is great with children over 12.", None, False),
        ("He loves kids.", "He is great with children.", None, False),
        ("He is a hound.", "He is great with children.", None, True),
        ("He is a hound.", "He is great with children.", True, False),
    ],
)
def test_a_profile_promises_no_more_than_its_source(source, bio, column, held):
    values = {"name": "Rex", "facts": "", "description": f"{source} He lives with us."}
    found = get("dog_profiler").objections(
        {"bio": bio}, values, variant="", columns={"good_with_children": column}
    )
    assert ("not_said" in {each.code for each in found}) is held


def test_a_number_in_one_word_with_its_unit_is_the_number():
    source = "Max is a 4-year-old dog who is good with you and your family."
    for text, held in (("Max ist ein vierjähriger Hund.", False), ("Max ist siebenjährig.", True)):
        found = gates.numbers_translated(checked(text, source, "de"))
        assert (found is not None) is held


@pytest.mark.parametrize(
    ("text", "source", "held"),
    [
        ("Rex hates children.", "Rex loves children.", True),
        ("Rex loves kids.", "Rex luvs kids.", False),
        ("Rex is good with cats.", "Rex is good with dogs.", True),
        ("Rex likes dogs.", "Rex likes dogs!", False),
    ],
)
def test_the_opposite_and_another_species_are_found(text, source, held):
    values = {"name": "Rex", "description": f"{source} He lives in Ohio with a family of four."}
    answer = f"{text} He lives in Ohio with a family of four."
    assert bool(get("description_cleaning").objections(answer, values, variant="")) is held


@pytest.mark.parametrize(
    ("text", "column", "value", "held"),
    [
        ("He is good with children, dogs, and cats.", "good_with_children", False, True),
        ("He is good with children, dogs, and cats.", "good_with_children", True, False),
        ("He is good with children, dogs, and cats.", "good_with_children", None, False),
        ("He is not good with children.", "good_with_children", False, False),
        ("A calm dog, not for homes with kids.", "good_with_children", False, False),
        ("He is not good with other dogs.", "good_with_dogs", True, True),
        ("No cats, good with dogs.", "good_with_dogs", True, False),
        ("He is house-trained.", "house_trained", False, True),
        ("He is not house-trained yet.", "house_trained", False, False),
        ("She is a calm girl.", "sex", "Male", True),
        ("He is a calm boy.", "sex", "Male", False),
        ("A puppy full of joy.", "age", "Senior", True),
    ],
)
def test_the_columns_decide(text, column, value, held):
    values = {"name": "Rex", "facts": "", "description": "A dog.", "question": ""}
    found = get("respond").objections(text, values, variant="", columns={column: value})
    assert ("against_column" in {each.code for each in found}) is held


def test_another_table_binds_an_amount_of_its_own():
    gate = gates.columns_decide((gates.Amount("weight", "weight", "lb"),), text_counts=False)
    for text, held in (("It weighs 75 kg.", True), ("34 kg in all.", False), ("75 lbs", False)):
        found = gate(gates.Checked((text,), "A vase.", "en", {"weight": 75}))
        assert bool(found) is held


def test_a_field_that_fills_its_limit_in_the_middle_of_a_word_is_held():
    values = {"name": "Rex", "facts": "", "description": "Rex is a dog and he likes to run."}
    found = get("dog_profiler").objections(
        {"tagline": ("Rex likes to run " * 7)[:100], "bio": "He likes to run."}, values, variant=""
    )
    assert "answer_cut" in {each.code for each in found}


@pytest.mark.django_db  # the declared ones stand there
def test_every_binding_column_is_read():
    for name in names():
        enrichment = get(name)
        assert set(enrichment.binding_columns) <= set(enrichment.reads)

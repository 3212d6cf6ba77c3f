"""What slipped through the gates, or was held wrongly, in a real model's answers."""

import pytest

from enrichment.enrichments import get


@pytest.mark.parametrize(
    ("owners", "codes"), [("personas con experiencia", []), ("perros grandes", ["lost_concept"])]
)
def test_a_translation_keeps_that_a_dog_needs_experience(owners, codes):
    source = "Rex would do best with experienced people who help him. He is 4 years old."
    values = {"name": "Rex", "text": source, "language": "Spanish"}
    text = f"Rex estaría mejor con {owners} que le ayuden. Tiene 4 años de edad."
    found = get("translation").objections(text, values, variant="es", columns={"name": "Rex"})
    assert [each.code for each in found] == codes


@pytest.mark.parametrize(
    ("breed", "codes"),
    [
        ("cruce de beagle y labrador", []),
        ("chihuahua", ["new_concept"]),
        ("beagle", ["lost_concept"]),
    ],
)
def test_a_translation_keeps_breeds_that_have_one_name_everywhere(breed, codes):
    source = "Rex is a Beagle/Lab mix who is looking for a home. He is 4 years old."
    values = {"name": "Rex", "text": source, "language": "Spanish"}
    text = f"Rex es un {breed} que busca un hogar. Tiene 4 años de edad."
    found = get("translation").objections(text, values, variant="es", columns={"name": "Rex"})
    assert [each.code for each in found] == codes


@pytest.mark.parametrize(("text", "held"), [("Bo loves everyone.", False), ("Bo is sold.", True)])
def test_a_trait_of_a_profile_that_stands_alone_needs_a_source_too(text, held):
    values = {"name": "Bo", "facts": "sex: Male", "description": text}
    traits = {"personality_traits": ["Loving"]}
    found = get("dog_profiler").objections(traits, values, variant="", columns={})
    assert ("invented" in {each.code for each in found}) is held


def test_a_profile_may_quote_a_sentence_that_another_one_is_glued_to():
    quoted = "We think she'll be around 40 lbs as an adult."
    values = {
        "name": "Bo",
        "facts": "age: Baby",
        "description": f"Bo is a sweet puppy. {quoted}Email adopt@example.org to meet her.",
    }
    bio = {"bio": f"Bo is a sweet puppy. {quoted}"}
    assert not get("dog_profiler").objections(bio, values, variant="", columns={"age": "Baby"})


@pytest.mark.parametrize(
    ("source", "wanted", "missing"),
    [
        ("Bo needs an active home.", "an active home", []),
        ("Bo needs an active home. No cats.", "an active home", ["cats"]),
        ("Bo needs an active home. No cats.", "an active home without cats", []),
        ("She shouldn't be around cats. She wants a home.", "a home", ["cats"]),
        ("She has not been tested with cats. She wants a home.", "a home", []),
        ("He likes cats and kids. He wants a home.", "a home", []),
        (
            "An adults only home as a single pet, with an experienced owner.",
            "a suburban home",
            ["adults only", "an experienced owner", "being the only one"],
        ),
        (
            "An adults only home as a single pet, with an experienced owner.",
            "an adults only home as a single pet, with an experienced owner",
            [],
        ),
        ("A home with kids over 8, please.", "a home", ["children"]),
        ("He needs a home with a fenced yard.", "a home with a yard", ["a fence"]),
        ("He likes our fenced yard. He needs a home.", "a home", []),
        ("The two must be adopted together into a home.", "a home", ["being adopted together"]),
        ("He should have another dog at home. He needs another dog.", "a home", ["another dog"]),
        ("Un hogar sin gatos es lo que necesita este perro.", "a home", []),
    ],
)
def test_a_wanted_home_carries_what_the_text_asks_of_it(source, wanted, missing):
    values = {"name": "Bo", "facts": "sex: Male; good with cats: no", "description": source}
    told = get("dog_profiler").objections({"looking_for": wanted}, values, variant="", columns={})
    dropped = [each.data["found"] for each in told if each.code == "dropped_condition"]
    assert sorted(dropped[0] if dropped else []) == missing


def test_a_biography_alone_may_say_less_than_the_text_asks_of_the_home():
    values = {"name": "Bo", "facts": "sex: Male", "description": "Bo is sweet. No cats."}
    told = get("dog_profiler").objections({"bio": "Bo is sweet."}, values, variant="", columns={})
    assert "dropped_condition" not in {each.code for each in told}

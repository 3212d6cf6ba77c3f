"""What slipped through the gates, or was held wrongly, in a real model's answers."""

import json
from typing import Any

import pytest

from benchmarks.model_answers import as_generation
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
        ("Bo wants a home as an only pup.", "a home", ["being the only one"]),
        ("A home for both her and Cami.", "a home", ["being adopted together"]),
        ("Bo needs people who are home more often than not.", "a home", ["somebody at home"]),
        ("He needs a home with a fenced yard.", "a home with a yard", ["a fence"]),
        ("He likes our fenced yard. He needs a home.", "a home", []),
        ("The two must be adopted together into a home.", "a home", ["being adopted together"]),
        ("He should have another dog at home. He needs another dog.", "a home", ["another dog"]),
        ("She would be best suited in a home with other dogs.", "a loving home", ["other dogs"]),
        ("She would be best suited in a home with other dogs.", "a home with dogs", []),
        ("He is in a home with other dogs. He wants a home.", "a home", []),
        ("A quiet home will give her what she needs.", "a patient home", ["a quiet home"]),
        ("A quiet home will give her what she needs.", "a calm home", []),
        ("He comes from a quiet home. He needs a home.", "a home", []),
        ("He is active. He needs a home.", "a home", []),
        ("He needs a patient, very active owner.", "an owner", ["an active home", "patience"]),
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


@pytest.mark.parametrize(
    ("shots", "fixed", "bio", "held"),
    [
        (False, None, "Bo is up to date on vaccines.", True),
        (False, None, "Bo is UTD on his shots.", True),
        (True, None, "Bo is up to date on vaccines.", False),
        (None, None, "Bo is up to date on vaccines.", False),
        (None, False, "Bo is neutered.", True),
        (None, False, "Bo will be neutered.", False),
        (None, True, "Bo is neutered.", False),
    ],
)
def test_a_profile_says_of_shots_and_neutering_nothing_against_the_columns(shots, fixed, bio, held):
    values = {"name": "Bo", "facts": "sex: Male", "description": f"{bio} He is UTD on his shots."}
    columns = {"shots_current": shots, "fixed": fixed}
    told = get("dog_profiler").objections({"bio": bio}, values, variant="", columns=columns)
    assert ("against_column" in {each.code for each in told}) is held


def applied(name: str, source: str, part: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts that are applied of an answer with this one."""
    enrichment: Any = get(name)
    parsed = {enrichment.list_name: [{**part, "confidence": 1.0}]}
    answer = as_generation({"text": json.dumps(parsed), "parsed": parsed, "finish": "stop"})
    values = {"name": "Bo", "facts": "", "description": source}
    found = enrichment.judge(answer, values, variant="", floor=0.7, columns={})
    return [] if found.findings else list(found.value)


@pytest.mark.parametrize(
    ("source", "tag", "evidence", "told"),
    [
        ("Bo is sweet. He loves to play.", "playful", "loves to play", "loves to play"),
        ("Bo is sweet. He loves to play.", "playful", "Bo is sweet", "He loves to play."),
        ("Bo is sweet. He loves to play.", "playful", "Bo plays a lot", "He loves to play."),
        ("Bo does well as a single pet.", "only_dog", "Bo", "Bo does well as a single pet."),
        (f"Bo is {'very ' * 20}playful.", "playful", "Bo", f"{'very ' * 14}playful."),
        ("Bo needs a foster home.", "foster_needed", "Bo", "Bo needs a foster home."),
        (
            "Bo prefers calm dogs and is happy in his foster home.",
            "foster_needed",
            "foster home",
            "",
        ),
        ("Bo and Al are a bonded pair.", "bonded_pair", "a bonded pair", "a bonded pair"),
        ("Bo has bonded with her quickly.", "bonded_pair", "Bo has bonded", ""),
        ("Bo does well as an only dog or with a friend.", "only_dog", "an only dog", ""),
        ("Do you have a fenced yard? Bo needs one.", "needs_garden", "a fenced yard", ""),
        ("Bo has lots of energy.", "energetic", "lots of energy", "lots of energy"),
        ("A family with the time and energy for him.", "energetic", "time and energy", ""),
        ("He suits a home with another dog that is calmer.", "calm", "is calmer", ""),
        ("He jumps onto large crates.", "crate_trained", "large crates", ""),
        ("A family that gives him affection.", "affectionate", "affection", ""),
        ("Bo is sweet. He is a good boy.", "playful", "Bo is sweet", ""),
        ("Bo is sweet. He was playful.", "playful", "Bo is sweet", ""),
        ("Bo is sweet. He warms up quickly.", "shy", "warms up quickly", ""),
        ("Retired greyhounds are quiet dogs. Bo is sweet.", "calm", "are quiet dogs", ""),
        ("Bo is sweet. We want a playful, kind home.", "playful", "Bo is sweet", ""),
        ("Bo does not play. Bo is sweet.", "playful", "Bo is sweet", ""),
        ("No cats, he thinks they are toys. Bo is sweet.", "playful", "he thinks they are", ""),
        ("We look for a stable, loving and committed home.", "affectionate", "a stable", ""),
    ],
)
def test_a_tag_is_applied_with_the_sentence_that_says_it(source, tag, evidence, told):
    found = applied("tagging", source, {"tag": tag, "evidence": evidence})
    assert [each["evidence"] for each in found] == ([told] if told else [])


@pytest.mark.parametrize(
    ("source", "kind", "text", "kept"),
    [
        ("Bo is a Beagle.", "breed", "Beagle", True),
        ("Bo was found running with a Beagle.", "breed", "Beagle", False),
        ("Bo is a Pug mixed with a Beagle.", "breed", "Beagle", True),
        ("Bo joined the Beagle Rescue Project.", "breed", "Beagle", False),
        ("Bo is a Beagle. He joined the Beagle Rescue Project.", "breed", "Beagle", True),
        ("Bo came with his sister Mitzi. Mitzi is a Beagle. She is 9 years.", "age", "9", False),
        ("Bo has arthritis.", "condition", "arthritis", True),
        ("Bo lived with some silly whippets.", "breed", "whippets", False),
        ("Bo is a parvo survivor.", "condition", "parvo", False),
        ("Bo has completed his heartworm treatment.", "condition", "heartworm", False),
        ("Pets need preventatives (heartworm and flea).", "condition", "heartworm", False),
        ("Bo's mommy is dealing with arthritis.", "condition", "arthritis", False),
        ("The fee covers a heartworm test.", "condition", "heartworm", False),
        ("The fee covers distemper, parvo and rabies vaccines.", "condition", "parvo", False),
        ("Bo tested positive for heartworm.", "condition", "heartworm", True),
        ("Bo is UTD on all shots.", "condition", "UTD on all shots", False),
        ("Bo has a hip that is out.", "condition", "hip that is out", True),
        ("Bo is 3 years old and likes kids.", "age", "3 years old", True),
        ("He would do best with kids 10 and up.", "age", "10 and up", False),
        ("He lived with a 3 year old.", "age", "3 year old", False),
        ("He came when he was a 6 week old baby.", "age", "6 week old", False),
        ("You must be 21 to adopt Bo.", "age", "21", False),
        ("She came with her 4 pups. At 10 weeks the pups were vetted.", "age", "10 weeks", False),
        ("Bo has a brother. The pups are 10 weeks old.", "age", "10 weeks old", True),
        ("Bo was saved days before he was to be euthanized.", "condition", "euthanized", False),
        ("Bo is heart-worm negative.", "condition", "heart-worm negative", True),
        ("Bo is submissive and scared.", "condition", "scared", False),
    ],
)
def test_a_breed_an_illness_and_an_age_are_the_dogs_own(source, kind, text, kept):
    found = applied("entity_extraction", source, {"type": kind, "text": text})
    assert [each["text"] for each in found] == ([text] if kept else [])


@pytest.mark.parametrize(("breed", "kept"), [("Baladi", True), ("Slender", False)])
def test_a_breed_needs_a_word_that_breeds_have(breed, kept):
    found = applied("entity_extraction", f"Bo is a {breed} dog.", {"type": "breed", "text": breed})
    assert [each["text"] for each in found] == ([breed] if kept else [])


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        ("person", "Bo", "animal"),
        ("person", "Jane", "person"),
        ("person", "you", ""),
        ("person", "foster home", ""),
        ("person", "help@example.org", "email"),
        ("url", "help@example.org", "email"),
        ("organization", "www.paws.org/adopt", "url"),
        ("email", "paws.org", "url"),
        ("organization", "St.Bernard Rescue", "organization"),
        ("person", "555-010-0142", "phone"),
        ("date", "2019-06-15", "date"),
        ("weight", "4 young pups", ""),
        ("weight", "56lbs", "weight"),
        ("animal", "56lbs", ""),
        ("age", "40 lbs", ""),
        ("age", "2 years", "age"),
        ("animal", "foster me", ""),
        ("animal", "2 terriers", "animal"),
        ("place", "paws.org", "url"),
    ],
)
def test_an_entity_is_of_the_kind_that_its_form_tells(kind, text, told):
    found = applied("entity_extraction", f"Look: {text}.", {"type": kind, "text": text})
    assert [each["type"] for each in found] == ([told] if told else [])


@pytest.mark.parametrize(
    ("source", "wanted", "held"),
    [
        ("Bo is looking for his forever home.", "A forever home for Bo", ""),
        ("Bo needs a quiet home with a fenced yard.", "a quiet home with a fenced yard", ""),
        ("He needs a fenced yard. He deserves a family.", "A family with a fenced yard", ""),
        ("Bo needs an active home with no cats.", "an active home with no cats", ""),
        ("Bo needs a family and to be the only dog.", "a family as the only dog", ""),
        ("Bo is looking for a home. He must have a fenced yard.", "a fenced yard", ""),
        ("Bo would do best in a home with kids over 8.", "a home with kids over 8", ""),
        ("Bo is looking for a home. He is a calm lab mix.", "A calm lab mix", "no_evidence"),
        ("He is good with people and dogs.", "Good with people and dogs", "no_evidence"),
        ("He likes walks. Looking for an active home.", "someone who likes walks", "no_evidence"),
        ("Seeking a home with a yard and playmates.", "a home with a yard", "dropped_condition"),
    ],
)
def test_a_wanted_home_is_plainly_what_the_text_says_of_it(source, wanted, held):
    values = {"name": "Bo", "facts": "sex: Male", "description": source}
    columns = {"name": "Bo", "sex": "Male"}
    profile = get("dog_profiler")
    told = profile.objections({"looking_for": wanted}, values, variant="", columns=columns)
    codes = {each.code for each in told}
    assert held in codes if held else not codes

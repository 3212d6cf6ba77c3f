"""What is written from a source says nothing that no sentence of it says: order, denial, limits."""

import pytest

from enrichment.enrichments import get
from enrichment.quality.gates.concepts import Concept
from enrichment.quality.gates.quoted import is_denied, is_said

FACTS = "breed: Beagle mix; sex: Male; good with cats: no; good with dogs: yes"
COLUMNS = {"name": "Bo", "breed": "Beagle", "sex": "Male", "good_with_dogs": True}


def codes(source, text, facts=FACTS, field="bio"):
    values = {"name": "Bo", "facts": facts, "description": source}
    value = text if field in {"bio", "looking_for"} else [text]
    found = get("dog_profiler").objections({field: value}, values, variant="", columns=COLUMNS)
    return {each.code for each in found}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Bo is a happy and playful boy.", "playful"),
        ("He wants his belly rubbed all day.", "belly rubs"),
        (
            "Bo is from Texas. He loves running and exploring the yard.",
            "Exploring the yard",
        ),
        ("He weighs eighteen pounds and loves toys.", "Bo weighs 18 lbs and loves toys."),
        ("He is smart.", "Bo is an intelligent Beagle who is looking for a loving home."),
        ("He likes dogs, cats and people.", "He loves dogs and people."),
        ("He has not met cats.", "Bo has not met cats yet."),
        ("She may be shy at first.", "may be shy at first"),
        ("Bo lives with us.", "good with dogs"),  # a fact
        ("Bo is loving to everyone.", "loving"),
        ("Bo is a sweet, loving and gentle girl.", "loving"),
        ("A playful boy who shouldn't be around cats.", "playful"),
        ("Bo shouldn't be around cats, but he loves toys.", "toys"),
        ("Bo enjoys training.", "training"),
        ("What we do know is that Bo is a sweet boy.", "sweet"),
        ("Bo is a sweetheart.", "sweet"),
        ("Bo, as you can see, loves to snuggle.", "snuggling"),
        ("I love to climb in your lap and give you kisses.", "kisses"),
        ("Bo is shy and I'm learning to play fetch.", "shy"),
    ],
)
def test_what_a_sentence_or_a_fact_says_is_applied(source, text):
    assert codes(source, text) == set()


def test_a_fact_attests_nothing_that_the_text_limits():
    facts = "breed: Beagle; good with children: yes"
    assert codes("Bo lives with us.", "good with children", facts) == set()
    assert "no_evidence" in codes("Kids over 7, please.", "good with children", facts)


@pytest.mark.parametrize(
    ("text", "held"),
    [("house-trained", False), ("training", True), ("trained", True)],
)
def test_a_fact_attests_only_what_says_all_of_it(text, held):
    facts = "breed: Beagle; house-trained: yes"
    assert ("no_evidence" in codes("Bo lives with us.", text, facts)) is held


@pytest.mark.parametrize(
    ("source", "text", "code"),
    [
        ("Bo is a dog of ours.", "rescue work", "invented"),
        ("A rescue brought him. Work keeps us busy.", "rescue work", "no_evidence"),
        ("He needs an experienced owner.", "experienced dog", "said_of_another"),
        ("He would suit an active family.", "active", "said_of_another"),
        ("His mother is very calm.", "calm", "said_of_another"),
        ("He was shy in the shelter.", "shy", "said_of_another"),
        ("Do you want a playful dog?", "playful", "no_evidence"),
        ("He is playful once he knows you.", "playful", "no_evidence"),
        ("He does not like long walks.", "long walks", "no_evidence"),
        ("He loves women but fears men.", "fears women", "no_evidence"),
        ("He loves dogs. Children have to be older.", "loves dogs and children", "no_evidence"),
        ("Bo lives with us.", "friend of cats", "no_evidence"),  # a fact says no
        ("Bo lives with us.", "loving", "invented"),
        ("Bo is loving this slightly cooler weather.", "loving", "no_evidence"),
        ("Bo is loving life here.", "loving", "no_evidence"),
        ("We look for a stable, gentle and committed home.", "gentle", "said_of_another"),
        ("He is looking for someone calm and patient.", "patient", "said_of_another"),
        ("Bo shouldn't be around cats, she thinks they are toys.", "playful", "no_evidence"),
        ("He is not good with small dogs, they are toys to him.", "toys", "no_evidence"),
        ("Bo is house-trained.", "training", "no_evidence"),
        ("Our foster Jane is a sweet lady.", "sweet", "said_of_another"),
        ("Bo is learning to play fetch.", "fetch", "no_evidence"),
        ("Bo is still learning, but playful.", "playful", "no_evidence"),
    ],
)
def test_what_no_sentence_says_waits_with_the_reason(source, text, code):
    assert code in codes(source, text)


@pytest.mark.parametrize(
    ("source", "text", "held"),
    [
        # Whom a sentence is about.
        ("Puppies need someone with the time, energy and patience for them.", "energetic", True),
        ("A family with the time is fine. Bo is full of energy.", "energetic", False),
        ("Bo needs a house full of love and patience.", "patient", True),
        ("A family who is looking for a sweet little fella will love Bo.", "sweet", False),
        ("Retired greyhounds are quiet, clean dogs.", "quiet", True),
        ("These girls are quiet.", "quiet", False),
        ("Bo's breed is known to be an excitable dog, who has energy.", "energetic", True),
        ("Bo would do well with a confident female dog.", "confident", True),
        ("Bo is a confident dog.", "confident", False),
        ("Bo and his sister, Mitzi, are here. Mitzi is a Pug. She is outgoing.", "outgoing", True),
        ("Bo and his sister, Mitzi, are here. Bo is a Pug. He is outgoing.", "outgoing", False),
        # Of what time.
        ("Bo will be neutered and up to date on shots.", "Bo is neutered.", True),
        ("Bo will be neutered and up to date on shots.", "Bo will be neutered.", False),
        ("Bo lived with a 3 year old.", "Bo lives with a 3 year old.", True),
        ("Bo was found when he was 6 weeks old.", "Bo is 6 weeks old.", True),
        # In what way.
        ("Bo is fun loving and runs.", "loving", True),
        ("Bo has average energy.", "energetic", True),
        ("Bo is extremely friendly with us.", "dog friendly", True),
        ("Bo is dog and people friendly.", "dog friendly", False),
        ("Bo lacked a bit of impulse control.", "impulse control", True),
        ("Bo doesn't do all that well with big crowds.", "big crowds", True),
        ("No idea why Bo is here, as he is obedient.", "obedient", False),
        ("Bo would love a person who walks.", "loves people", True),
        ("Classes will teach him to be confident.", "confident", True),
        ("Bo is smart, and classes will teach him to sit.", "smart", False),
        ("Bo had a not so easy life.", "Bo has an easy life.", True),
        ("Bo was positive for mange.", "Bo is positive for mange.", True),
        ("Bo is being trained as a therapy dog.", "a therapy dog", True),
        ("Bo should do just fine outside.", "Bo does fine outside.", True),
        ("Bo is good with most dogs.", "good with dogs", True),
        ("Bo likes big dogs, and no little dogs.", "good with dogs", True),
        ("Bo likes all dogs.", "good with dogs", False),
        ("Bo and Al are great kids and sleep.", "good with kids", True),
        ("Bo did well in a home with an active, but submissive dog.", "active", True),
        ("The noise was making him very nervous.", "nervous", True),
        ("Bo was found here and is nervous.", "nervous", False),
        ("Flea & tick protection is included.", "protective", True),
        ("Bo is eagerly awaiting you.", "eager", True),
        ("Bo is in training.", "trained", True),
        ("Bo is a southern gentleman.", "gentle", True),
        ("Bo waits patiently, with patience.", "patient", True),
        ("Bo gets along with dogs.", "well-socialized", True),
        ("Bo is brave.", "confident", True),
        ("An obedience class is included.", "obedient", True),
    ],
)
def test_a_claim_needs_a_sentence_of_this_row_and_time(source, text, held):
    assert bool(codes(source, text)) is held


@pytest.mark.parametrize(
    ("source", "text", "held"),
    [
        ("Bo is a happy boy.", "happy", False),
        ("Happy, cute and ready for you!", "cute", False),
        ("Bo has an amazing demeanor.", "amazing demeanor", False),
        ("Bo came here from Lola's Lucky Day.", "lucky", True),
        ("Bo came into our shelter positive for heartworm.", "positive", True),
        ("This unwanted litter was dropped off.", "unwanted", True),
    ],
)
def test_a_list_of_traits_names_only_what_the_row_is_said_to_be(source, text, held):
    assert bool(codes(source, text, field="personality_traits")) is held


@pytest.mark.parametrize(
    ("source", "text", "held"),
    [
        ("Bo loves toys, walks and car rides.", "walks", False),
        ("He walks well on a leash.", "walking well on a leash", False),
        ("Leash walking is something I'm great at.", "leash walking", False),
        ("Bo is playful.", "playtime", False),
        ("Bo would make a great running mate.", "running", False),
        ("Bo is great with kids and dogs.", "kids", False),
        ("Bo was found walking down the road.", "walking", True),
        ("Bo would love a person who continues his training.", "training", True),
        ("Bo was surrendered, as they love these dogs too much.", "walks", True),
        ("He is nervous when he meets new people.", "meeting new people", True),
        ("Bo was rescued from the dog meat trade.", "dog meat trade", True),
        ("Bo will make a great addition to any family.", "family", True),
        ("Bo came to us with some travel costs.", "travel", True),
        ("Bo loves to be petted.", "pets", True),
        ("Everybody wants young cats.", "cats", True),
        ("The lady said I'm like a clown.", "clowns", True),
        ("Bo acts like a clown.", "clowns", True),
        ("Bo and I like clowns.", "clowns", False),
        ("Bo is sweet.", "beagling", True),
    ],
)
def test_a_list_of_interests_names_only_what_the_row_likes_or_does(source, text, held):
    assert bool(codes(source, text, field="interests")) is held


def test_a_breed_that_is_called_a_dog_attests_no_dogs():
    values = {"name": "Bo", "facts": "", "description": "Bo does not like other dogs."}
    columns = {"name": "Bo", "breed": "German Shepherd Dog"}
    found = get("dog_profiler").objections(
        {"interests": ["other dogs"]}, values, variant="", columns=columns
    )
    assert [each.code for each in found] == ["no_evidence"]


def test_a_wanted_home_may_be_called_what_the_text_calls_it():
    text = "He waits for a special family with patience."
    assert codes(text, "a special family with patience", field="looking_for") == set()
    assert "said_of_another" in codes(text, "Bo is special.")


def test_a_biography_of_homes_or_company_carries_what_the_text_asks_of_a_home():
    text = "Bo is sweet, loves kids and looks for a forever family. He isn't a fan of cats."
    for told in ("Bo is looking for a forever family.", "Bo loves kids."):
        assert codes(text, told) == {"dropped_condition"}
        assert codes(text, f"{told} Bo isn't a fan of cats.") == set()
    assert codes(text, "Bo is sweet.") == set()


def test_a_wanted_home_is_a_home():
    text = "Bo lives out his senior years here. Everybody wants young dogs. He wants a home."
    assert codes(text, "senior dogs", field="looking_for") == {"no_evidence"}


def test_a_home_is_wanted_for_the_row_itself():
    text = "Bo is a father. He looks for a loving home once his pups are 8 weeks old."
    assert codes(text, "a loving home for his pups", field="looking_for") == {"said_of_another"}
    assert codes(text, "a loving home", field="looking_for") == set()


PLAYFUL = Concept("playful", "playful", {"en": "play* toys"})


@pytest.mark.parametrize(
    ("source", "quotation", "said"),
    [
        ("He plays with toys all day.", "plays with toys", True),
        ("He plays. His brother is a playful boy.", "plays", True),
        ("A playful family would suit him.", "playful family", False),
        ("Are you playful?", "Are you playful", False),
        ("He was playful as a puppy.", "was playful", False),
        ("He is playful only with women.", "is playful only", False),
        ("She shouldn't be around cats, she thinks they are toys.", "they are toys", False),
        ("She plays with toys and has no cats at home.", "plays with toys", True),
        ("We want a stable, playful and committed home.", "playful and committed", False),
        ("A sweet, playful and gentle boy.", "playful", True),
        ("Él juega mucho con los niños de la casa y es muy bueno.", "juega mucho", True),
    ],
)
def test_a_quotation_counts_where_it_speaks_of_the_row_itself(source, quotation, said):
    assert is_said(source, quotation, PLAYFUL, of_row=True, beside=frozenset()) is said


def test_a_sentence_may_have_to_say_more_than_the_concept():
    yard = Concept("yard", "yard", {"en": "yard"})
    need = frozenset({"needs"})
    assert is_said("He needs a yard.", "a yard", yard, of_row=False, beside=need)
    assert not is_said("He plays in our yard.", "our yard", yard, of_row=False, beside=need)


@pytest.mark.parametrize(
    ("source", "quotation", "denied"),
    [
        ("He tested negative for heartworms.", "heartworms", True),
        ("He has no allergies.", "allergies", True),
        ("He has allergies. His sister has no allergies.", "allergies", False),
        ("She is not house-trained.", "not house-trained", False),
        ("King tested positive for heartworms.", "Heartworms", False),
        ("She is fine.", "heartworms", False),
    ],
)
def test_a_condition_that_the_text_denies_is_none(source, quotation, denied):
    assert is_denied(source, quotation) is denied


LOVING = Concept("loving", "loving", {"en": "is_loving very_loving loving_and loving"})


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("She is loving to everyone.", True),
        ("She is very loving.", True),
        ("She is loving this warm weather.", False),
        ("We look for a loving and committed home.", False),
    ],
)
def test_phrases_of_a_concept_count_where_they_speak_of_the_row_too(source, said):
    assert is_said(source, source, LOVING, of_row=True, beside=frozenset()) is said

"""Words that a rewritten sentence exchanges, puts in or leaves out are held where they matter."""

import pytest

from benchmarks.quality import edited, listings, measured
from benchmarks.quality_changes import OTHER_CHANGES
from enrichment.enrichments import get
from enrichment.quality.gates import FINDING_CODES
from enrichment.quality.gates.wording import CHANGED_WORDING, OTHER_WORDS

AROUND = "Thank you for reading. {} We check every home."


def codes(before, after):
    cleaning = get("description_cleaning")
    values = {"name": "Rex", "description": AROUND.format(before)}
    found = cleaning.objections(AROUND.format(after), values, variant="")
    return {each.code: each.text for each in found}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("He hardly ever sheds hair.", "He sheds hair.", "denied in only one"),
        ("She may chase rabbits.", "She does chase rabbits.", "without “may”"),
        (
            "A muzzle is required outside.",
            "A muzzle is optional outside.",
            "optional, not required",
        ),
        ("Call us before Friday evening.", "Call us after Friday evening.", "after, not before"),
        ("He climbs over gates at night.", "He guards over gates at night.", "guards, not climbs"),
        ("Two pups are looking for homes.", "Three pups are looking for homes.", "new: 3"),
        ("She uses a cart to walk.", "She used a cart to walk.", "uses, used"),
        (
            "His shots were supervised.",
            "His shots were unsupervised.",
            "without “supervised”",
        ),
        ("Only adults may apply for him.", "Adults may apply for him.", "without “only”"),
        ("He was bitten by a dog.", "He bit a dog.", "another one does it"),
        ("He came from NC in May.", "He came from SC in May.", "new: SC"),
        ("We meet every Friday.", "We meet every other Friday.", "with “alternate”"),
        ("A $10 non refundable fee.", "A $10 refundable fee.", "refundable"),
        ("He is available now.", "He was available now.", "was, not is"),
        ("He barks at the mailman.", "He loves the mailman.", "loves, not barks"),
        ("Deaf in his left ear.", "Deaf in his right ear.", "right, not left"),
        (
            "She loves women but fears men.",
            "She loves men but fears women.",
            "have changed places",
        ),
    ],
)
def test_a_word_that_turns_the_meaning_is_held_with_the_word(before, after, said):
    found = codes(before, after)
    assert said in (found.get(CHANGED_WORDING) or found[OTHER_WORDS])


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("He is a sociable dog.", "He is an outgoing dog.", OTHER_WORDS),
        ("He may be a sociable dog.", "He is an outgoing dog.", CHANGED_WORDING),
        ("Only sociable dogs.", "Outgoing dogs.", CHANGED_WORDING),
        ("He was a sociable dog.", "He is an outgoing dog.", CHANGED_WORDING),
        ("He lives near Tulsa now.", "He lives near Memphis now.", CHANGED_WORDING),
        ("Heartworm positive, sadly.", "Heartworm negative, sadly.", CHANGED_WORDING),
    ],
)
def test_a_judge_can_release_ordinary_words_alone(before, after, code):
    assert code in codes(before, after)
    assert FINDING_CODES[code].releasable is (code == OTHER_WORDS)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("He definately luvs his ppl.", "He definitely loves his people."),
        ("Mom is a Lab, dad unknown.", "Her mother is a Lab; her father is unknown."),
        ("A vet ref. and a fenced yrd pls.", "Please have a vet reference and a fenced yard."),
        ("She weighs fifty-five lbs.", "She weighs 55 pounds."),
        ("He is under going treatment.", "He is undergoing treatment."),
        ("A quick dog. Sent from my tablet.", "A quick dog."),
        ("In the right home and with the right input.", "With the right input and home."),
        ("The fee to transport him is due.", "His transport fee is due."),
        ("He is currently not living with cats.", "He is not currently living with cats."),
        ("If you would like to meet her, call.", "If you want to meet her, call."),
        ("House and crate trained.", "House- and crate-trained."),
        ("Once he warms up, he plays.", "Once he has warmed up, he plays."),
        ("He is a little shy.", "He is a bit shy."),
        ("You may check our page.", "Check our page."),
        ("Should he bark, call us.", "If he barks, call us."),
        ("We deny such requests.", "We refuse such requests."),
        ("Papers are required by law.", "The law requires papers."),
        ("She has the cutest ears.", "She has the most adorable ears."),
    ],
)
def test_what_an_editor_corrects_passes(before, after):
    assert not codes(before, after)


def test_small_changes_that_turn_what_is_said_are_held():
    """Also those of which nobody looked at what was missed."""
    for half in (0, 1):
        found = edited("quality_hostile.txt", half)
        assert found.of >= 80
        assert found.share >= 0.9


def test_right_edits_of_another_hand_pass():
    found = edited("quality_edits_more.txt")
    assert found.of >= 130
    assert found.share <= 0.03, found.codes


def test_narrow_edits_of_all_kinds_pass():
    """Numbers, abbreviations, short forms, spelling, voice and so on."""
    found = edited("quality_edits_narrow.txt")
    assert found.of >= 140
    assert found.share <= 0.02, found.codes


def test_right_edits_of_shipped_sentences_pass():
    found = edited("quality_edits_shipped.txt")
    assert found.of >= 120
    assert found.share <= 0.02, found.codes


def test_corrections_pass_and_hostile_changes_of_such_sentences_are_held():
    right, hostile = edited("quality_edits_corrected.txt"), edited("quality_hostile_corrected.txt")
    assert (right.of, hostile.of) == (40, 30)
    assert right.share <= 0.05, right.codes
    assert hostile.share >= 0.95, hostile.missed


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("She loves his loyalty.", "She loves that he is loyal."),
        ("I came when I was a puppy.", "I came as a puppy."),
        ("He is from LA.", "He is from Los Angeles."),
        (
            "If you have questions or are interested, call.",
            "If interested or with questions, call.",
        ),
        ("He is potty trained.", "He is house-trained."),
        ("We decide whether he goes or not.", "We decide whether he goes."),
        ("You'll love him.", "You will love him."),
        ("Intake Type: stray. Weight: 44 lbs.", "He is a stray and weighs 44 pounds."),
        ("An Aussie Shepard.", "An Australian Shepherd."),
        ("Weims are great with kids aged 2-9.", "Weimaraners are great with kids ages 2 to 9."),
        ("Rex was found by the police.", "The police found Rex."),
        (
            "Pulled from Taxes, he is hoping for luck.",
            "He was pulled from Texas and hopes for luck.",
        ),
        ("He's a four-and-a-half-year-old pup.", "He is 4.5 years old."),
        ("Sophie is about 2-3 months old.", "Sophie is about 2 to 3 months old."),
        ("A pup for for sweet terrierRex.", "A pup for sweet terrier Rex."),
        (
            "Do NOT send mails as all we have is below.",
            "Do not send mails, as all we have is below.",
        ),
        ("Good w/o dogs.No cats & no kids.", "Good without dogs. No cats and no kids."),
    ],
)
def test_words_in_other_forms_and_places_pass(before, after):
    assert not codes(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("We open at noon.", "We open at 12 p.m."),
        ("Open from 11am-1pm.", "Open from 11:00 a.m. to 1:00 p.m."),
        ("Open Saturday 12-4 PM.", "Open Saturday from noon to 4 p.m."),
        ("He came in at midnight.", "He came in at 12 a.m."),
        ("Age: 0yrs 9mths 2wks.", "He is 9 months and 2 weeks old."),
        ("Age: 2yrs 0mths.", "He is 2 years old."),
        ("His fee is $250.00.", "His fee is $250."),
        ("Puppies (6 months and younger) are $200.", "Puppies of 6 months or younger are $200."),
        ("She couldn't see.", "She was unable to see."),
        ("They are unable to hear.", "They can't hear."),
        ("He hasn't been able to settle.", "He has been unable to settle."),
        ("He doesn't have any manners.", "He lacks any manners."),
        ("She left because she couldn't hear.", "She left because of her inability to hear."),
        ("Ask us any questions you may have.", "Ask us any questions."),
        (
            "Must go together  No small kids No big dogs Good with cats",
            "They must go together. No small kids and no big dogs; they are good with cats.",
        ),
        ("Primary Color: Fawn.", "He is mainly fawn."),
        ("Weight: 0lbs 14oz.", "She weighs 14 ounces."),
        ("She has been unable to sleep.", "She hasn't been able to sleep."),
        ("We adopt to MD, VA and DC.", "We adopt to Maryland, Virginia and DC."),
        ("Open Mon, Tues & Wed.", "Open from Monday through Wednesday."),
        ("Transport is an extra $150.", "Transport is an additional $150."),
        ("He pays attention to all of you.", "He gives all of you his attention."),
        ("We drive to you at no extra cost.", "We drive to you free of charge."),
        ("She hasn't met kids yet.", "So far, she has not met children."),
        ("Please don't hesitate to ask any questions.", "Please ask any questions."),
        ("*Due to laws, we cannot ship.", "Due to laws, we can't ship."),
        ("Good with men, women and kids.", "He is good with kids, men and women."),
        ("His mild arthritis needs meds.", "He needs medication for his slight arthritis."),
        ("He has no manors, yet!", "He has no manners yet!"),
        ("You get a credit to your fee.3.", "You get a credit toward your fee."),
        ("Some dogs annoy him.", "A few dogs annoy him."),
        ("SHE IS HAPPY, SWEET, AND LOVES TO PLAY.", "She is happy and sweet and loves playing."),
        ("It dont slow him down none.", "It doesn't slow him down."),
    ],
)
def test_clock_times_ages_lists_and_denials_in_other_forms_pass(before, after):
    assert not codes(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("We open at noon.", "We open at midnight."),
        ("We open at 10am.", "We open at 10:30 a.m."),
        ("Age: 0yrs 9mths.", "He is 9 years old."),
        ("He couldn't stay.", "He was able to stay."),
        ("There is nobody he doesn't like.", "There is nobody he likes."),
        ("His check is on June 13.", "His check is on July 13."),
        ("Come on Saturday.", "Come on Sunday."),
        ("She will be medium in size.", "She will be small in size."),
        ("Mild arthritis.", "Severe arthritis."),
        ("Fit for a senior.", "Fit for a puppy."),
        ("He is best as the only dog.", "He is fine as the only dog."),
        ("You will be asked to sign.", "You may be asked to sign."),
        ("We will not place her there.", "We prefer not to place her there."),
        ("He has been adopted.", "He can be adopted."),
        ("He has come through the treatment.", "He has to come through the treatment."),
        ("He hasn't met cats before.", "He hasn't met cats lately."),
        ("We meet before a visit.", "We meet instead of a visit."),
        ("It is $160 on top of his fee.", "It is $160 and part of his fee."),
        ("We drive to you for a fee.", "We drive to you."),
        ("There is a fee for transport.", "Transport is free."),
        ("All of them agree.", "One of them agrees."),
        ("A home without children and visitors.", "A home without children."),
        ("Not good with cats, birds and rabbits.", "Not good with cats and rabbits."),
        ("He was vaccinated for rabies and parvo.", "He was vaccinated for parvo."),
        ("We adopt to Virginia, West Virginia and DC.", "We adopt to Virginia and DC."),
        ("Good with dogs, kids, cats and all.", "Good with cats, kids, cats and all."),
        ("She's good with some dogs.", "She's good with dogs."),
        ("He lives with calm dogs.", "He lives with dogs."),
        ("He came from Texas to Maine.", "He came from Oregon to Maine."),
        ("He is a sociable dog.", "He is a female dog."),
        ("He had a mild case of mange.", "He had a case of mange."),
        ("Drops for the rest of her life.", "Drops for a while."),
        ("He is due for his shots in May.", "He had his shots in May."),
        ("She is a Poodle.", "She is a purebred Poodle."),
        ("They were rescued here.", "They were born here."),
        ("He will be neutered.", "He should be neutered."),
    ],
)
def test_what_carries_risk_is_held_whatever_the_words_are(before, after):
    assert codes(before, after)


def test_other_beings_in_the_place_of_some_are_held():
    for change in ("dogs to cats", "cats to dogs", "children to adults"):
        found = measured(listings(), OTHER_CHANGES[change])
        assert found.of >= 60
        assert found.share >= 0.98, (change, found.missed)


def test_edits_of_another_hand_that_were_tried_blind_stay_mended():
    right, hostile = edited("quality_edits_blind.txt"), edited("quality_hostile_blind.txt")
    assert (right.of, hostile.of) == (120, 60)
    assert right.share <= 0.02, right.codes
    assert hostile.share >= 0.95, hostile.missed

"""What a listing's columns decide: statements that they bind, and the words of their values."""

from enrichment.listings.concepts import CAT, CHILD, HOUSE_TRAINED, OTHER_DOGS
from enrichment.quality.gates import Choice, Concept, Statement

FIXED = Concept(
    "fixed",
    "spayed or neutered",
    {"en": "is_spayed is_neutered been_spayed been_neutered already_spayed already_neutered"},
)
VACCINATED = Concept(
    "vaccinated",
    "vaccinated",
    {
        "en": "vaccinated up_to_date utd current_on_shots current_on_vaccines"
        " current_on_vaccinations current_on_all_shots current_on_all_vaccines",
    },
)
_SUITS = {
    "en": "good great fine well loves love likes enjoys friendly along ok okay adores perfect"
    " ideal suitable best compatible wonderful amazing excellent gentle sweet safe tolerates",
    "de": "gut verträgt verträglich liebt mag freundlich geeignet versteht lieb kinderlieb",
    "es": "bien bueno buena ama encanta encantan quiere amigable adora ideal apto apta",
    "fr": "bien entend aime adore gentil gentille idéal convient sociable",
    "it": "bene d'accordo ama adora affettuoso adatto adatta buono buona",
    "nl": "goed houdt lief vriendelijk geschikt dol",
    "pt": "bem dá ama adora amigável ideal bom boa",
    "pl": "dobrze lubi kocha uwielbia przyjazny przyjazna dogaduje",
}
STATEMENTS = (
    Statement("good_with_children", "good with children", CHILD, _SUITS),
    Statement("good_with_cats", "good with cats", CAT, _SUITS),
    Statement("good_with_dogs", "good with dogs", OTHER_DOGS, _SUITS),
    Statement("house_trained", "house-trained", HOUSE_TRAINED),
)
# What a profile may not say against a column's no either: where one says “up to date on shots” and
# the other doesn't, an adopter has to ask.
CARE_STATEMENTS = (
    Statement("shots_current", "vaccinated", VACCINATED),
    Statement("fixed", "spayed or neutered", FIXED),
)
_MALE = "he him his himself he's boy male gentleman"
_FEMALE = "she her hers herself she's girl female lady gal"
CHOICES = (
    Choice("sex", "sex", {"male": {"en": _MALE}, "female": {"en": _FEMALE}}),
    Choice(
        "age", "age",
        {
            "baby": {"en": "puppy pup baby", "de": "welpe*", "es": "cachorr*", "fr": "chiot*"},
            "senior": {
                "en": "senior elderly aging", "de": "senior* ältere*", "es": "senior anciano*",
                "fr": "senior âgé*",
            },
            "young": {"en": "young youngster"},
            "adult": {"en": "adult"},
        },
        opposed=(("baby", "senior"), ("young", "senior"), ("adult", "baby")),
    ),
)  # fmt: skip

"""What a listing asks of the home, in English: a text that says what home is wanted carries it."""

from enrichment.listings.concepts import CAT, CHILD
from enrichment.quality.gates import Concept, HomeCondition, HomeWords

DEMAND = frozenset(
    "need needs needed require requires required must should ideal ideally best only prefer prefers"
    " preferred recommend recommended".split()
)
_ADOPTERS = frozenset(
    "owner owners home homes family families adopter adopters handler handlers parent parents"
    " someone somebody hands".split()
)
# With these a sentence speaks of a home to come, not of one that is or was.
_WISHES = (DEMAND - {"should", "only"}) | frozenset(
    "suited suit suits seeking seeks looking wants wanted thrive thrives happiest would benefit"
    " hoping perfect".split()
)
# Who else may live there: who names some has to name those too that the dog can't live with.
COMPANY = frozenset(
    "dogs cats kids children pets animals pups puppies kittens felines canines toddlers companions"
    " company".split()
)


def _words(words: str) -> Concept:
    return Concept("home", "home", {"en": words})


_ADULTS = (
    "adults_only adult_only adults-only adult-only adult_home adult_household only_adults all_adult"
    " mature_home"
)
_ALONE = (
    "only_dog only_pet only_pup only_puppy only_animal only_child single_pet single_dog"
    " single_animal sole_pet sole_dog"
)
_NO_OTHERS = f"{_ALONE} no_other_dogs no_other_pets no_other_animals no_dogs no_pets alone without"
_TOGETHER = (
    "adopted_together placed_together go_together stay_together kept_together homed_together"
    " rehomed_together bonded both_her both_him both_of_them"
)
HOME_CONDITIONS = (
    HomeCondition(
        "an experienced owner",
        _words("experience experienced"),
        _words("experienc*"),
        beside=_ADOPTERS | DEMAND,
    ),
    HomeCondition("adults only", _words(_ADULTS), _words("adult* child* kid* teen*")),
    HomeCondition(
        "children", CHILD, _words("child* kid* toddler* bab* adult* teen*"), denied=True, aged=True
    ),
    HomeCondition(
        "cats", CAT, _words(f"cat cats kitt* feline* {_NO_OTHERS} no_other"), denied=True
    ),
    HomeCondition("being the only one", _words(_ALONE), _words(f"{_NO_OTHERS} only single sole")),
    HomeCondition(
        "no other dogs",
        _words("dogs another_dog other_pets other_animals"),
        _words(f"dogs another_dog other_pets other_animals {_NO_OTHERS}"),
        denied=True,
    ),
    HomeCondition(
        "another dog",
        _words("another_dog dog_companion canine_companion dog_buddy dog_sibling"),
        _words("another other dogs companion* buddy buddies sibling* playmate*"),
        beside=DEMAND - {"should", "only"},
    ),
    HomeCondition(
        "other dogs",
        _words(
            "home_with_other_dogs home_with_another_dog home_with_dogs home_with_a_dog"
            " family_with_other_dogs family_with_another_dog family_with_dogs"
        ),
        _words("another other dogs companion* buddy buddies sibling* playmate*"),
        beside=_WISHES,
    ),
    HomeCondition(
        "a quiet home",
        _words("quiet quieter calm calmer low-key relaxed peaceful"),
        _words("quiet* calm* low-key low_key relax* peace*"),
        beside=_WISHES,
        of_home=True,
    ),
    HomeCondition(
        "an active home",
        _words("active energetic athletic outdoorsy"),
        _words("activ* energ* athletic outdoor* exercis* run* hik*"),
        beside=_WISHES,
        of_home=True,
    ),
    HomeCondition(
        "patience",
        _words("patient patience understanding"),
        _words("patien* understanding"),
        beside=_WISHES,
        of_home=True,
    ),
    HomeCondition(
        "being adopted together", _words(_TOGETHER), _words("together bonded both pair duo two")
    ),
    HomeCondition(
        "somebody at home",
        _words("home_most home_more home_during home_all_day stay_at_home work_from_home"),
        _words("home_most home_more home_during home_all_day stay_at_home work* retired"),
        beside=DEMAND,
    ),
    HomeCondition("a fence", _words("fence*"), _words("fence*"), beside=DEMAND),
    HomeCondition("no men", _words("men"), _words("men women woman female*"), denied=True),
    HomeCondition(
        "no apartment",
        _words("apartment* condo*"),
        _words("apartment* condo* house yard"),
        denied=True,
    ),
)

WANTED_HOME = HomeWords(
    framing=frozenset(
        "looking seeking seeks look seek wants want needs need find finding ready available forever"
        " furever fur loving loved love caring new own permanent good great perfect right special"
        " nice adoption adopt adopted adoptive place who with where without".split()
    ),
    wishes=_WISHES
    | frozenset(
        "looks look find finding waiting awaiting waits deserves deserve desperately ready"
        " available will give dreams dreaming wish must love loves".split()
    ),
    demands=DEMAND | frozenset("suited suit suits looking seeking seeks wants thrive".split()),
    conditions=tuple(
        Concept(label, label, {"en": words})
        for label, words in {
            "children": "child* kid kids toddler* teen* adult* baby babies",
            "other dogs": "dogs another_dog other_dog dog_friend* dog_companion* doggy doggie"
            " canine playmate* sibling* buddy buddies companion*",
            "cats": "cat cats kitt* feline*",
            "being the only one": f"{_ALONE} alone no_other",
            "experience": "experienc*",
            "a fence": "fence* yard",
        }.items()
    ),
)

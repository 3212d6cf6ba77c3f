"""What a text may claim of a dog, and what a source has to say for it: English.

A profile that claims one of these is held unless its source speaks of it too. `grounds` are words
that speak for the claim without being one.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from enrichment.quality.gates.concepts import Concept

_TRAITS = """
playful: playful playfulness playtime play plays playing | play plays playing played playtime toy
    toys fetch tug romp* zoom* wrestl*
energetic: energetic energy active lively athletic high-energy | energ* activ* athletic hyper spunky
    rambunctious zoom* bounc* lively
calm: calm mellow laid-back laidback easygoing easy-going relaxed low-key serene | calm* mellow
    relaxed chill lazy low_energy laid_back laid-back laidback easy_going easygoing low_key
gentle: gentle gently gentleness tender | gentle gently gentler gentlest gentleness tender
quiet: quiet | quiet calm mellow doesn't_bark rarely_bark low-key
affectionate: affectionate cuddly cuddler snuggly snuggler cuddles cuddling snuggles snuggling
    affection | affectionate cuddl* snuggl* lap kiss* hug* petted petting lovebug love_bug lovable
    loves_people loves_everyone belly_rubs belly_rub velcro
sweet: sweet sweetness sweetheart sweetie | sweet sweeter sweetest sweetness sweetheart sweetie
friendly: friendly friendliness | friendly social* outgoing loves_everyone loves_people
    loves_all wag wagging wags gets_along good_with_people good_with_everyone good_with_all
    great_with_people great_with_everyone great_with_all great_with_kids great_with_children
    wonderful_with_people wonderful_with_kids awesome_with_all awesome_with_people
social: sociable social | social* outgoing loves_everyone loves_people gets_along
socialized: socialized well-socialized | socialized well-socialized well_socialized
outgoing: outgoing | outgoing social* loves_everyone
loyal: loyal loyalty devoted faithful | devot* loyal* faithful velcro
smart: smart intelligent clever intelligence | smart* clever intelligen* trainable
    fast_learner quick_learner learns_quickly learns_fast
curious: curious curiosity inquisitive | curi* explor* sniff* inquisitiv* investigat*
protective: protective guard watchdog | protective protects guard* watchdog
obedient: obedient well-trained well-behaved | obey* obedient well_behaved well-behaved
    well_trained well-trained good_manners listens
independent: independent | independen* aloof
shy: shy timid fearful nervous | shy* timid* scared fearful nervous skittish reserved afraid
brave: brave courageous fearless | brav* courag* fearless
confident: confident | confident confidence confidently
patient: patient | patient
healthy: healthy | healthy
swimming: swim swims swimming swimmer | swim* loves_water loves_the_water
hiking: hike hikes hiking hiker | hik* trail trails
walks: walks walking | walk*
running: run runs running runner jogging | run* jog*
cars: car cars rides | car cars car_rides
fetch: fetch frisbee | fetch* frisbee retrieve retrieves
treats: treats snacks | treat treats snack* cookie*
outdoors: outdoors outside outdoor nature | outdoor* outside hik*
crate_trained: crate-trained crate crated | crate* kennel*
leash_trained: leash-trained | leash* walks_well
special_needs: special-needs special_needs | special_needs special-needs
first_time: first-time first_time beginner beginners | first-time first_time beginner*
apartment: apartment apartments | apartment* condo* flat
foster: foster fostered fostering | foster*
stray: stray strays | stray*
young: puppy puppies pup | pup* baby
small: small_dog small_boy small_girl small_puppy is_small is_a_small small_and small-sized petite
    tiny | size:_small small_in tiny petite chihuahua little
medium-sized: medium-sized medium_dog | size:_medium medium
large: large_dog large_boy large_girl big_dog big_boy big_girl is_large is_big is_a_large is_a_big
    large-sized | size:_large size:_extra size:_xl big large
trained: trained | trained well_trained well-trained obey* obedient commands command
training: training | train* obey* obedien* command*
"""


def _trait(line: str) -> Concept:
    """A line of the table: the name, the words that claim it, those that speak for it."""
    name, _, words = line.partition(": ")
    claims, _, grounds = words.partition(" | ")
    label = name.replace("_", " ")
    ground = Concept(f"{name}_ground", label, {"en": f"{claims} {grounds}"})
    return Concept(name, label, {"en": claims}, new=True, grounds=ground)


_LINES = _TRAITS.replace("\n    ", " ").strip().splitlines()
TRAITS = tuple(map(_trait, _LINES))
# Said of a home it claims nothing, so it isn't looked for in whole texts.
LOVING = _trait(
    "loving: loving lovable loveable caring | loving lovable loveable loves_people loves_everyone"
    " love_bug lovebug affectionate cuddl* snuggl* kiss* sweet sweetheart love_to_give"
    " share_my_love"
)
# Words of a profile's sentences that claim nothing of the dog: what it waits for, and what it is.
FRAMING = frozenset(
    """
    adopt adopted adopter adopters adopting adoption home homes forever looking searching seeking
    companion friend pet perfect wonderful great ready new meet dog dogs pup puppy life give gives
    giving bring brings joy happiness find finding waiting wait waits lifelong best someone person
    owner family heart hearts furry addition boy girl guy lady become becoming forward excellent
    amazing fantastic ideal special member mix mixed breed apply application contact
    interested hoping encourage
    """.split()
)

# What a column decides alone, of the dog: a text may call a part or a rescue small.
SIZES: Mapping[str, AbstractSet[str]] = {
    "size": frozenset("small tiny little petite medium large big huge giant".split())
}

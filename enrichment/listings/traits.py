"""What a text may claim of a dog, and what a source has to say for it: English.

A profile that claims one of these is held unless its source speaks of it too. `grounds` are words
that speak for the claim without being one.
"""

from enrichment.quality.gates.concepts import Concept

_TRAITS = """
playful: playful playfulness | play plays playing played playtime toy toys fetch ball tug romp*
    fun goofy silly zoom* wrestl*
energetic: energetic energy active lively athletic high-energy | energ* activ* run runs running
    hik* jog* zoom* bounc* spunky hyper play* exercis* adventur* rambunctious
calm: calm mellow laid-back laidback easygoing easy-going relaxed low-key serene | quiet* gentle
    couch chill lazy nap* lap relax* low_energy laid_back easy_going low_key
gentle: gentle gently gentleness tender | soft careful sweet mild gentleman
quiet: quiet | calm mellow doesn't_bark rarely_bark low-key
affectionate: affectionate cuddly cuddler snuggly snuggler cuddles cuddling snuggles snuggling |
    affection* cuddl* snuggl* lap kiss* hug* pet petted petting lov* sweet* belly attention lean*
friendly: friendly | friend* social* outgoing loves_everyone loves_people people everyone
    good_with great_with gets_along well_with wag* happy awesome wonderful_with
social: sociable social outgoing | social* outgoing loves_everyone loves_people everyone
    gets_along other_dogs people
loyal: loyal loyalty devoted faithful | devot* bond* velcro loyal* side
smart: smart intelligent clever intelligence | smart* learn* bright trainable
curious: curious curiosity inquisitive | explor* sniff* curious* investigat*
protective: protective guard watchdog | protect* guard* alert*
obedient: obedient obedience well-trained well-behaved | obey* sit stay command* trick*
    well_behaved manners behaved listens
independent: independent | aloof own
shy: shy timid fearful nervous | shy* timid* scar* fear* nervous skittish reserved afraid warm*
    trust
brave: brave courageous confident fearless | confiden* brav* courag* bold
patient: patient patience | patien* calm
healthy: healthy | health* vet vetted vaccinat* shots
swimming: swim swims swimming swimmer | swim* water lake pool beach
hiking: hike hikes hiking hiker | hik* trail* adventur* mountain*
walks: walks walking | walk* leash stroll*
running: run runs running runner jogging | run* jog* race* zoom* chas*
cars: car cars rides | car cars ride* travel* truck*
fetch: fetch frisbee | fetch* ball balls frisbee retriev*
treats: treats snacks food | treat* food eat* meal* snack* hungry cookie*
outdoors: outdoors outside outdoor nature | outdoor* outside yard walk* hik* park* run*
crate_trained: crate-trained crate crated | crate* kennel*
leash_trained: leash-trained | leash* walks_well
special_needs: special-needs special_needs | special_needs special-needs
first_time: first-time first_time beginner beginners | first-time first_time beginner*
apartment: apartment apartments | apartment* condo* flat
foster: foster fostered fostering | foster*
stray: stray strays | stray* street* found
young: puppy puppies pup | pup* week* month* baby litter
small: small_dog small_boy small_girl small_puppy is_small is_a_small small_and small-sized petite
    tiny | size:_small small_in tiny petite chihuahua little
medium-sized: medium-sized medium_dog | size:_medium medium
large: large_dog large_boy large_girl big_dog big_boy big_girl is_large is_big is_a_large is_a_big
    large-sized | size:_large size:_extra size:_xl big large
training: trained training | train* learn* obey* command* house* crate* potty
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
# Words that a profile is written with, whatever the dog; its claims are judged by the traits.
FRAMING = frozenset(word for each in TRAITS for word in each.words["en"].split()) | frozenset(
    """
    adopt adopted adopter adopters adopting adoption home homes house family families forever
    loving love loves looking searching companion friend perfect wonderful great ready new meet
    dog dogs pup life lives give gives giving bring brings joy happiness find finding waiting
    wait care caring lifelong best sweet someone person people owner owners heart hearts furry
    four legged addition long time place share seeking needs need want wants enjoy enjoys years
    old known big small medium large male female breed mix mixed boy girl currently provide
    forward become becoming member household environment safe part
    excellent amazing fantastic ideal special
    apply application contact email interested encourage
    """.split()
)
# Words of the frame that claim something where they are the whole text.
_LOVING = frozenset(
    """
    loving lovable love loves affection affectionate cuddles cuddly snuggles lap kisses hugs petted
    sweet belly attention velcro devoted
    """.split()
)
ALONE = dict.fromkeys(("caring", "lovable", "loveable", "loving"), _LOVING)

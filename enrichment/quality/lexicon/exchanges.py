"""English words that editors exchange for one another when they rewrite a text, in lower case.

Wider than `editing.ALIKE`, which also attests what an answer claims: what is here only keeps a
rewritten sentence from being held. Words that are often taken for one another stand here too.
"""

from collections.abc import Iterable, Mapping
from itertools import chain

from enrichment.quality.lexicon import synonyms, verbs
from enrichment.quality.lexicon.editing import ALIKE

# One may stand for another of its line.
_LINES = """
    complete completed completing fill filled filling submit
    rescued saved pulled
    abandoned dumped discarded
    arrive arrives arrived
    return returned returning back
    finish finished end ended ends
    active energetic lively
    calm mellow relaxed laid-back laidback easygoing easy-going
    cuddly snuggly
    snuggle snuggles snuggling cuddle cuddles cuddling
    loyal devoted faithful
    stubborn headstrong
    curious inquisitive nosy
    brave courageous
    behaved mannered
    cute adorable darling
    beautiful gorgeous pretty stunning handsome attractive lovely
    special unique
    perfect ideal
    important crucial essential vital
    easy simple
    hard difficult tough challenging
    huge giant enormous massive
    huge big large
    sad unhappy
    injured hurt wounded
    ill sick unwell
    issue issues problem problems concern concerns trouble troubles
    illness disease sickness
    doctor vet
    surgery operation procedure
    treat treats snack snacks
    car vehicle auto automobile
    crate kennel
    couch sofa
    yard backyard lawn
    fenced fence fencing
    fenced fenced-in
    job work
    trip journey
    town city
    street st
    saint st
    mount mt
    fort ft
    area region vicinity
    near nearby close
    photo photos picture pictures pic pics image images photograph photographs
    video videos vid vids clip
    profile bio biography
    form application questionnaire
    organization organisation organizations group
    guardian guardians owner owners
    siblings sibling littermates littermate
    roommate roommates housemate housemates
    playmate playmates buddies pals friends
    mix mixed mixes cross crossed crossbreed blend blends combo combination
    purebred full-blooded fullblooded pedigree pedigreed
    coat fur
    transport transportation transported transporting
    receive receives received get gets got
    receive received accept accepted
    provide provides provided give gives gave given offer offers offered supply
    show shows demonstrate demonstrates display displays
    try tries attempt attempts
    help helps helping assist aid support
    let lets allow allows
    ask asks inquire enquire
    inquiry inquiries enquiry enquiries question questions
    answer answers reply respond
    choose select pick
    stay stays remain remains
    live lives living reside resides residing
    learn learns learning learned learnt
    understand realize realise
    ensure insure sure assure guarantee
    afraid fear fears scared
    verify check confirm
    inform notify tell
    talk speak chat
    hope hopes hoping
    handle manage
    adult adults grown full-grown fullgrown mature
    senior elderly
    immediately instantly
    alone himself herself itself myself
    inside indoors indoor
    outside outdoors outdoor
    intact unneutered unaltered
    deceased died dead
    recently lately newly
    previously formerly earlier before prior
    prior previous former
    entire whole full complete
    enough sufficient
    various different
    normal regular usual
    several multiple numerous various
    main primary
    correct right
    wrong incorrect
    extra additional more further
    instruction instructions direction directions
    schedule arrange book
    appointment appointments appt
    loud noisy
    nap naps snooze
    walk walks walking stroll strolls
    eager keen
    excited thrilled
    glad happy pleased delighted
    terrible awful horrible
    nervous anxious
    worried concerned
    wary cautious
    hesitant reluctant
    spoiled spoilt pampered
    kind sort type
    daily everyday
    yes yeah yah yep yup yea
    grandma grandmother granny
    grandpa grandfather
    teen teens teenager teenagers
    people person folks folk humans human individual individuals
    animal animals pet pets critter critters
    lots many plenty
    dewormed deworming deworm wormed worming dewormer
    vaccine vaccines vax vaxes vaxed vaccs
    preventive preventives preventative preventatives prevention preventions
    checked tested screened
    veterinary vet
    examined seen checked
    pit pitbull pittie pitty pibble
    okay ok alright
    aka alias
    till until
    onto on
    toward towards
    amid among amongst
    while whilst
    maybe perhaps
    program programme
    check cheque
    grey gray
    mom mum
    per each every
    hello hi hey
    somewhat fairly rather moderately reasonably slightly little
    nice kind
    weekend weekends
    shelter shelters
    lap laps
    wait waits waiting await awaits awaiting awaited
    search searching look looking seek seeking
    brought bought
    bring brings brought bringing take takes took taken
    chance opportunity
    begin beginning start starting
    buddy friend pal companion
    expensive costly
    inexpensive cheap affordable
    happen happens happened occur occurs occurred
    discover discovered find found
    reply answer
    toddler toddlers tot tots
    baby babies infant infants
    fix fixed repair repaired
    total sum
    amount quantity
    suffer suffers suffering
    gain gained put
    trust trusts
    interact interacts
    adapt adapts adjust adjusts adjusting adjustment
    adopt adopts adopted adopting adoption
    transfer transfers transferred transferring
    recommend recommends recommended recommendation suggest suggests suggested advise
    love loves adore adores
    prefer prefers rather
    trusting trust trusts
    playmate friend companion
    stroller pram
    veterinarian doctor vet
    well nicely good nice
    affectionate loving
    active exercise
    hike hikes hiking
    jog jogs jogging
    romp romps play plays
    silly goofy
    fluffy furry
    tummy belly
    playtime play
    potty bathroom
    accident accidents
    bug bugs
    jump jumps leap leaps
    quickly fast rapidly
    slowly gradually
    absolutely completely totally
    unfortunately sadly
    lucky fortunate
    scared frightened terrified
    scary frightening
    deserve deserves deserving
    purchase buy
    permit permits allow allows permitted
    additionally also
    contains contain include includes
    seen scene
    bear bare
    hair hare
    wait weight
    sale sail
    dear deer
    bored board
    plain plane
    hole whole
    waist waste
    site sight
    peak peek
    stairs stares
    led lead
    chose choose
    personal personnel
    affect effect
    cue queue
    ate eight
    some sum
    pour pore
    pray prey
    rein reign rain
    desert dessert
    complement compliment
    die dye
    shoe shoo
    wonder wander
    breath breathe
    cloths clothes
    gate gait
    toe tow
    knead need
    whine wine
    berry bury
    miner minor
    sell cell
    sent scent
    metal medal
    threw through
    herd heard
    principal principle
    great grate
    mail male
    sun son
    hoarse horse
    ad add
    aisle isle
    vain vein
    wear where
    roam rome
    witch which
    bate bait
    shear sheer
    groan grown
    lessen lesson
    patients patience
    stationary stationery
    include includes including included cover covers covered covering
    mild slight minor
    serious severe major
    extra additional another
    forever permanent
    strange odd weird
    temperament temperment tempermant
"""


def _numbered() -> Mapping[str, frozenset[int]]:
    """The groups of each word, those of `ALIKE` too, whose numbers are the first ones."""
    found = {word: set(groups) for word, groups in ALIKE.items()}
    first = 1 + max(max(groups) for groups in ALIKE.values())
    own = (line.split() for line in f"{_LINES.strip()}\n{synonyms.LINES.strip()}".splitlines())
    for at, line in enumerate(chain(own, verbs.lines()), start=first):
        for word in line:
            found.setdefault(word, set()).add(at)
    return {word: frozenset(groups) for word, groups in found.items()}


EXCHANGED = _numbered()


def groups_of(words: Iterable[str]) -> frozenset[int]:
    """The groups of words that some of these may be exchanged within."""
    return frozenset().union(*(EXCHANGED[word] for word in EXCHANGED.keys() & words))

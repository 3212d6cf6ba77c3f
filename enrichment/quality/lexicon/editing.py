"""English words by what an editor may do with them, and by what their exchange does to a meaning.

In lower case. For `gates.wording`, which holds what is changed and stands in none of these.
"""

from collections.abc import Iterator, Mapping

# One may stand for another of its line.
_ALIKE = """
    child children kid kids youngster youngsters little_ones
    mother mom mama momma mum mommy
    father dad papa daddy
    dog dogs doggie doggies doggy canine canines pooch pup pups puppy puppies pupper furbaby
    cat cats kitty kitties kitten kittens feline felines
    person people human humans owner owners
    person somebody someone anybody anyone
    want wants wanted wish wishes wished desire desires desired
    everybody everyone
    home house household
    apartment apartments apt flat condo
    yard garden
    road street highway hwy
    vet veterinarian veterinary
    sterilized fixed altered neutered spayed
    housebroken housetrained pottytrained trained broken broke
    vaccinated vaccination vaccinations vaccines vaccine shots shot immunizations
    current updated up-to-date date utd
    microchip microchipped chip chipped microchips
    fee cost costs charge charges price donation
    application applications apply applying applicant applicants
    adopter adopters
    available ready
    large big
    small little tiny
    great wonderful excellent terrific fantastic awesome amazing
    good well fine okay nice
    least minimum
    most maximum
    sweet lovely
    smart intelligent clever
    fun funny
    goofy silly
    scared afraid frightened fearful
    shy timid
    happy glad
    quick quickly fast
    love loves loving adore adores
    like likes enjoy enjoys fond
    dislike dislikes
    cuddle cuddles snuggle snuggles
    exercise exercises
    walk walks
    weigh weighs weight
    approximately approx about around roughly
    medicine medication medications medicines meds
    phone telephone call
    email mail e-mail
    website site web page webpage
    contact reach
    contact call
    require requires required requirement need needs needed necessary must
    prefer prefers preferred preferably preference ideally ideal
    recommend recommended recommends
    suit suits suitable appropriate
    allow allows allowed permitted
    surrender surrendered relinquished
    rescue rescued
    located location
    companion friend buddy pal
    start started begin began
    also too
    dollar dollars usd
    female girl gal lady
    male boy guy fellow fella dude
    currently now
    soon possible
    visit meet come
    favourite favorite
    colour color
    neighbour neighbor
    behaviour behavior
    tall height
    pending progress
    okay fine
    knew new
    quiet quite
    quite pretty fairly rather
    does dose
    manners manors
    rough ruff
    allowed aloud
    weather whether
    lose loose
    right write
    heal heel
    tail tale
    pair pare
    week weak
    steal steel
    meet meat
    piece peace
    role roll
    past passed
    patience patients
    paws pause
    break brake
    advice advise
    accept except
    pounds lb lbs
    weighs weights wt
    additional extra
    lay lays laying lie lies lying
    obligate obligates obligated obligating oblige obliges obliged obliging
    requested asked
    purchase buy
    assist help
    obtain get
"""
ALIKE: Mapping[str, frozenset[int]] = {}


def _groups() -> Iterator[tuple[str, frozenset[int]]]:
    found: dict[str, set[int]] = {}
    for at, line in enumerate(_ALIKE.strip().splitlines()):
        for word in line.split():
            found.setdefault(word, set()).add(at)
    yield from ((word, frozenset(groups)) for word, groups in found.items())


ALIKE = dict(_groups())
# Verbs that say little by themselves and stand for many others: “took” for “pulled”.
LIGHT = frozenset(
    """
    become becomes became come comes came take takes took taken make makes made put keep left leave
    leaves went gone bring send sends sent
    say says said saying tell tells told see sees seen show shown give gives gave given shows showed
    """.split()
)
# What an editor puts in to make a sentence of keywords: says nothing that could be wrong.
ADDED = LIGHT | frozenset(
    """
    weighs weigh weighing old years year months month weeks week days hours aged age born birth date
    approximately about around roughly named called name dog dogs pup puppy fee adoption adopt
    listing please kindly also however additionally furthermore because since therefore thus meaning
    consist consists include includes including currently looking seeking located description
    contact call visit follow following information note update details
    stand stands tall measure measures high wide long pounds lbs inches dollars
    thing things person people someone everyone anyone something one ones time times
    size sized breed mix colored coat
    sadly unfortunately fortunately luckily thankfully happily simply indeed certainly clearly
    obviously naturally finally eventually lastly
    although though albeit despite whereas hence moreover besides ahead forward home homes
    per basis various overall such certain particular especially really truly
    enjoys likes loves love tested
    area place way part
    sure able toward towards via
    monday tuesday wednesday thursday friday saturday sunday
    january february march april june july august september october november december
    noon midday midnight
    """.split()
)
# What may be left out: fillers, greetings, and what a rewriting says in other words.
DROPPED = frozenset(
    """
    just really very quite pretty so such actually basically literally totally truly simply even
    please kindly hello hi hey welcome thanks thank oh wow yay well anyway here folks guys everybody
    currently now today presently right approximately about around roughly approx appx
    name named breed age sex gender weight color size location description note update
    thing things lot lots bunch kind sort type bit little
    wonderful amazing awesome great gorgeous adorable beautiful handsome precious cute sweet lovely
    super extremely incredibly absolutely
    dog dogs pup puppy boy girl guy gal
    own fact meet check back
    sadly unfortunately fortunately luckily thankfully happily simply indeed certainly clearly
    obviously naturally finally eventually lastly
    although though albeit despite whereas hence moreover
    seeking looking including located known outright purely utterly info information
    become became give gives gave given take takes took taken make makes made put see seen
    per etc old
    left area areas environment process nature natures personality temperament character litter
    """.split()
)

# Exchanged for another of its line, each of these turns what is said. Lines of `word+word` count
# as one.
_TURNS = """
    time: before+prior | after+following+once | until+til+till | same_day | instead
    part_of_month: early+beginning | mid+middle | late+end
    which_week: this_week+this_month+this_year | next_week+next_month+next_year | last_week+last_month+last_year
    stage: start+starts+starting+started+begin+begins+beginning+began+undergoing+progress+working+learning | done+finish+finishes+finished+completed+complete
    homes: foster+fosters+fostering | adoptive+adopt+adopts+adopting
    weight: gain+gains+gaining+gained+put_on+putting_on | lose+loses+losing+loss+shed
    cat: cat+cats+kitty+kitties+feline+felines | kitten+kittens
    child: child+children+kid+kids | teen+teens+teenager+teenagers | baby+babies+toddler+toddlers+infant+infants
    housetraining: housetraining | housetrained+housebroken
    so_far: before+prior+ever+yet | since+lately+recently
    bound: under+below+less+fewer+younger+lighter+smaller | over+above+more+older+heavier+bigger
    extreme: least+minimum | most+maximum
    side: on | off
    inside: in+inside+indoors+indoor | out+outside+outdoors+outdoor
    height: up | down
    modal: must+need+needs+needed+requires+required+require+requirement+mandatory+has_to+have_to+necessary+got_to | should+ought+recommended+recommend+preferred+prefer+prefers+preferably+ideally+could+may+might+can+possible+optional+welcome
    daytime: pm+noon+midday | am+midnight
    joint: but | and
    choice: and | or
    which: other+others | all+every
    pair: one+1 | both
    being: dog+dogs | person+people+someone+somebody
    degree: fully+completely+totally+entirely | partly+partially+somewhat+half
    tense: am+is+are+has+have+does+do+has_been | was+were+had+did+has_been | will+shall+going_to
    sure: will+shall | should+ought+may+might+could+perhaps+maybe+possibly+prefer+prefers
    done: has_been+has+have | can+may+might | has_to+have_to
    advised: best+ideal+ideally+must | fine+ok+okay+alright
    how_many: all+every+everyone+everybody+each+any | one_of | both | some+several | most+mostly | few | many | half | another | neither+none
    place: first+1st | last
    hand: left | right | both
    often: daily | weekly | monthly | yearly+annually | hourly
    level: low+lower | high+higher
    speed: slow+slowly | quick+quickly+fast
    amount: little | lot+lots+much
    size: small+smaller+little+tiny+petite+miniature | medium+midsize+midsized | large+larger+big+bigger+huge+giant
    grade: mild+mildly+slight+slightly+minor | moderate+moderately | severe+severely+serious+seriously+major
    age: puppy+puppies+young | adult+adults+grown | senior+seniors+elderly
    payment: plus+extra+additional | include+includes+included+including+part_of+covers+covered
    gratis: fee+fees+cost+costs+charge+charges+extra+additional | free
    month: january+jan | february+feb | march+mar | april+apr | may | june+jun | july+jul | august+aug | september+sept+sep | october+oct | november+nov | december+dec
    weekday: monday+mondays+mon | tuesday+tuesdays+tue+tues | wednesday+wednesdays+wed | thursday+thursdays+thu+thur+thurs | friday+fridays+fri | saturday+saturdays+sat | sunday+sundays+sun
    rounds: first+1st+partial | full+complete+completed+final
    span: life+lifetime+lifelong+permanent+permanently+forever | awhile+temporary+temporarily+briefly+month+week
    known: new+unfamiliar+strange | familiar
    pace: well+nicely | slowly+poorly+badly
    growth: grown | growing
    origin: rescued+found+saved+pulled | born
    whereabouts: returned+surrendered+relinquished | adopted
    state: texas+tx | florida+fl | georgia+ga | tennessee+tn | arkansas+ar | alabama | mississippi+ms | louisiana | kentucky+ky | virginia+va | carolina+nc+sc | ohio+oh | indiana | illinois+il | iowa+ia | kansas+ks | oklahoma | missouri | michigan+mi | minnesota+mn | wisconsin+wi | nebraska | colorado | utah+ut | nevada+nv | arizona+az | california+ca | oregon | washington+wa | idaho | montana+mt | wyoming+wy | maine | vermont+vt | hampshire+nh | massachusetts | connecticut+ct | jersey+nj | pennsylvania | delaware | maryland+md | york+ny | hawaii | alaska+ak
    compass: northeast+northeastern | northwest+northwestern | southeast+southeastern | southwest+southwestern
"""  # noqa: E501
TURNS: Mapping[str, tuple[tuple[str, str], ...]] = {}


def _turning() -> dict[str, tuple[tuple[str, str], ...]]:
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for line in _TURNS.strip().splitlines():
        kind, _, options = line.strip().partition(": ")
        for option in options.split(" | "):
            for word in option.split("+"):
                found[word] = (*found.get(word, ()), (kind, option))
    return found


TURNS = _turning()
# Verbs whose past is no present with -ed: the present by the past.
PAST: Mapping[str, str] = dict(
    each.split("/")
    for each in """
        came/come ate/eat went/go took/take gave/give knew/know saw/see ran/run bit/bite slept/sleep
        kept/keep lost/lose fell/fall felt/feel brought/bring stood/stand began/begin broke/break
        made/make said/say thought/think got/get slid/slide swam/swim sat/sit fought/fight
        caught/catch chose/choose wore/wear tore/tear dug/dig hid/hide stole/steal
    """.split()
)

# Left out or put in, each of these changes what is promised. Its words count as one.
_WEIGHTY = """
    only: only solely exclusively sole
    condition: if unless whether when whenever as_long_as so_long_as
    unless: unless
    exception: except excluding excepting apart_from aside_from other_than besides with_the_exception
    still: still
    mild: mild mildly slight minor
    severe: severe severely serious
    due: due overdue
    purebred: purebred purebreds
    no_longer: no_longer anymore any_more
    used_to: used_to formerly previously
    yet: yet
    hedge: seem seems seemed appear appears apparently might may maybe perhaps possibly could probably likely unlikely believe think thinks thought guess suspect suspects assume almost nearly partly partially supposedly reportedly estimated
    usually: usually mostly mainly generally typically normally often frequently largely
    sometimes: sometimes occasionally occasional
    seldom: seldom rarely hardly barely scarcely
    always: always constantly
    experience: experience experienced savvy knowledgeable
    introduction: introduction introductions introduced introduce introducing intro
    supervision: supervised supervision supervise supervising monitored
    reference: reference references ref refs
    refundable: refundable refunded refund refunds
    mix: mix mixed mixes cross crossed blend blends combo combination x
    least: least minimum
    bonded: bonded
    unintended: accidentally unintentionally unknowingly inadvertently mistakenly
    alternate: alternate
    under: under below less fewer
    too: even including included
    both: both
    together: together pair
    fee: fee fees cost costs charge charges charged price prices deposit donation donations donate donates donating pay pays paid payment payments
    must: must need needs needed requires required require requirement mandatory has_to have_to should ought necessary got_to gotta
"""  # noqa: E501
WEIGHTY: Mapping[str, tuple[str, ...]] = {}


def _weighty() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for line in _WEIGHTY.strip().splitlines():
        name, _, words = line.strip().partition(": ")
        for word in words.split():
            found[word] = (*found.get(word, ()), name)
    return found


WEIGHTY = _weighty()
# Ordinary words as to where they stand, but of health, status and behaviour: nobody but a reviewer
# releases an answer that exchanged one.
GRAVE = frozenset(
    """
    positive negative tested treated treatment treatments surgery surgeries operation cured healed
    recovered recovering parvo distemper heartworm heartworms cancer seizure seizures allergy
    allergies allergic medication medicine pill pills diet prescription blind deaf lame incontinent
    pregnant vaccinated unvaccinated neutered spayed intact altered
    adopted adoption fostered fostering surrendered surrender stray bonded boarded euthanasia
    breeder returned abandoned abused rescued purebred
    bite bites bit bitten snap snaps snapped snappy nip nips nipped growl growls growled guards
    guarding destroys chases muzzle leash crate kennel fence fenced
    """.split()
)
# Of these only the loss counts: an editor may put them in.
MAY_COME = frozenset(
    "condition must still hedge both together used_to yet fee introduction supervision reference"
    " mix".split()
)
# Of these only the gain counts.
MAY_GO = frozenset({"too", "always", "under"})
# Numbers in English words that count something; "a", "first" and "half" seldom do.
COUNTS: Mapping[str, int] = {
    **{
        word: number
        for number, word in enumerate(
            "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
            " sixteen seventeen eighteen nineteen twenty".split(),
            start=2,
        )
    },
    **{word: 10 * number for number, word in enumerate("thirty forty fifty sixty".split(), 3)},
    "couple": 2, "twice": 2, "dozen": 12,
}  # fmt: skip
# Verbs and the like that deny by themselves.
DENYING = frozenset(
    "fail fails failed refuse refuses refused deny denies decline declines declined"
    " lack lacks lacking unable never nobody none nothing neither"
    " nor no not without cannot hardly barely scarcely unlikely no_longer".split()
)
PREFIXES = ("un", "in", "im", "ir", "il", "non", "dis", "mis", "ab", "over", "under")

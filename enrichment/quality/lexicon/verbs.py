"""English verbs that editors exchange for one another, by their base, in lower case."""

from collections.abc import Iterator

from enrichment.quality.lexicon.inflections import BASES

# Verbs by their base; every form of one may stand for every form of another one of its line.
_VERBS = """
    discard throw dump toss ditch
    expect anticipate await
    acquire obtain get
    begin start commence
    embark set start
    end finish conclude
    stop cease quit
    continue keep proceed go carry
    reach attain hit
    arrive come land get
    depart leave go
    travel journey trek come
    move relocate
    drive ride
    walk stroll
    run dash race sprint
    chase pursue
    rest relax lounge chill unwind
    sleep snooze nap doze
    eat consume
    chew gnaw
    bark vocalize
    lick kiss
    hug embrace cuddle snuggle
    pet stroke rub scratch
    sniff smell
    watch observe see
    watch look gaze
    notice observe see spot
    look gaze stare
    look search seek hunt
    look appear seem
    listen hear
    understand realize know grasp comprehend
    know realize
    think believe feel guess
    remember recall recollect
    forget overlook
    imagine picture envision
    plan intend mean
    hope wish
    decide determine choose
    describe call characterize
    say state report mention note tell explain
    state voice express
    tell inform let
    ask request
    explain describe clarify
    discuss talk
    suggest propose
    advise counsel recommend
    speak talk chat
    call phone ring telephone
    write email
    send forward mail submit
    submit send file turn complete
    return bring
    get receive obtain
    give provide offer supply grant
    show demonstrate display exhibit
    share give
    help assist aid support
    support sustain back
    build develop establish form
    create make produce
    make cause
    cause lead
    form create
    develop grow
    grow increase
    increase rise
    decrease reduce lessen
    improve better
    worsen deteriorate
    change alter modify
    adjust adapt acclimate acclimatize settle
    settle calm
    fit suit match
    match pair
    join accompany
    join add
    combine blend mix
    meet encounter
    greet welcome meet
    welcome accept embrace
    invite welcome
    visit see
    spend pass
    enjoy love like appreciate relish
    love adore cherish
    appreciate value welcome
    delight please
    excite thrill
    amaze astonish
    thrive flourish blossom bloom
    shine excel
    struggle strive
    try attempt endeavor strive
    manage handle cope
    handle deal manage
    survive live
    suffer have endure undergo
    endure suffer bear tolerate
    tolerate accept mind
    bother disturb annoy
    scare frighten spook
    startle frighten
    hurt injure wound
    heal recover mend
    recover recuperate
    fix repair
    clean tidy
    wash bathe
    groom brush
    feed nourish
    train teach educate school
    teach train learn show
    learn master pick discover
    practice train work
    guide lead direct
    follow trail
    obey follow mind
    encourage urge prompt
    urge beg
    push press
    pull tug
    hold grip
    carry bear
    lift raise
    lower drop
    drop fall
    put place set
    place put home rehome
    remove take
    keep retain hold
    store keep
    hide conceal
    reveal show
    protect guard defend shield
    ensure guarantee secure
    secure obtain find
    save rescue
    abandon dump desert leave
    neglect ignore
    ignore disregard
    confine crate
    enclose fence
    open unlock
    close shut
    use utilize employ
    need require
    include comprise contain
    contain hold
    consist comprise
    cover include
    belong go
    choose select pick opt
    pick choose collect
    collect gather
    gather assemble
    deliver bring
    provide supply furnish
    arrange organize schedule plan
    schedule book set
    prepare ready
    check verify examine
    examine inspect check
    evaluate assess
    confirm verify
    review read examine check
    consider contemplate
    view see look
    read see
    list post advertise
    post publish share
    contact reach email message
    respond reply answer
    apply submit
    complete fill finish
    approve accept
    process handle review
    permit allow let
    let allow
    prevent stop keep
    prohibit forbid ban
    refuse decline
    limit restrict
    happen occur
    wait await
    last continue
    belong fit
    live reside dwell stay
    stay remain
    house keep shelter
    foster care
    care look tend
    raise rear bring
    seize grab
    steal take
    deserve merit
    earn win
    win earn
    play romp frolic
    wrestle roughhouse
    jump leap hop
    climb scale
    dig burrow
    roam wander
    explore investigate discover
    investigate explore
    wander stray
    hang spend
    snuggle cuddle curl nestle
    interact engage play
    socialize mingle
    bond connect attach
    trust rely
    rely depend
    warm open
    blend fit mesh
    complement suit
    complete round
    brighten light
    melt warm
    capture win steal
    figure work
    discover find learn
    locate find
    identify recognize
    estimate guess judge
    guess suppose
    resemble look
    total amount
    weigh tip
    measure stand
    remain stay
    become get turn grow
    turn become
    appear emerge
    show appear
    donate contribute give
    purchase buy
    advance progress
    progress advance go do come
    work go do
    cooperate work
    commit dedicate devote
    mind object
    dream fantasize
    crave want long desire
    long yearn
    seek want
    want desire like
    prefer favor
    request require
    demand require
    transport move bring fly
    transfer move
    tour visit
    escape flee
    flee escape
    attract draw
    attend go visit
    compete contend
    celebrate mark
    rate judge
    mention name
    update revise
    copy duplicate
    click press tap
    type enter
    print output
    download get
    scroll go
    log sign
    sign register
    register enroll
"""


def lines() -> Iterator[list[str]]:
    """Verbs that may stand for one another, by line, each in all its forms."""
    for line in _VERBS.strip().splitlines():
        yield [form for verb in line.split() for form in _forms(verb)]


_IRREGULAR: dict[str, list[str]] = {}
for _form, _base in BASES.items():
    _IRREGULAR.setdefault(_base, []).append(_form)
_VOWELS = frozenset("aeiou")
_DOUBLED = frozenset(
    "stop chat ship hop nap plan tug drop spot pet hug fit grab dig rub beg".split()
)


def _forms(verb: str) -> list[str]:
    """A verb's base with its -s, -ed and -ing forms, and those that no ending tells."""
    if verb[-1] == "y" and verb[-2] not in _VOWELS:
        ends = (f"{verb[:-1]}ies", f"{verb[:-1]}ied", f"{verb}ing")
    elif verb[-1] == "e":
        ends = (f"{verb}s", f"{verb}d", f"{verb[:-1]}ing")
    elif verb in _DOUBLED:
        ends = (f"{verb}s", f"{verb}{verb[-1]}ed", f"{verb}{verb[-1]}ing")
    else:
        s = "es" if verb.endswith(("s", "x", "z", "ch", "sh", "o")) else "s"
        ends = (f"{verb}{s}", f"{verb}ed", f"{verb}ing")
    return [verb, *ends, *_IRREGULAR.get(verb, ())]

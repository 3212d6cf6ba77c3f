"""More English words that editors exchange for one another, in lower case, for `exchanges`.

None of a kind that the gates hold for itself: months, sizes, health, who pays and the like. Verbs
stand in `verbs`.
"""

# One may stand for another of its line.
LINES = """
    initially originally first
    initial original first
    eventually finally ultimately
    immediately promptly instantly
    promptly quickly soon
    frequently often regularly
    regularly routinely
    continually constantly continuously
    continued continuing ongoing continuous continual
    occasionally sometimes
    entirely completely wholly fully totally
    especially particularly specially notably
    mainly mostly primarily chiefly largely
    nearly almost
    extremely very incredibly exceptionally highly
    truly really genuinely
    definitely certainly surely absolutely
    possibly perhaps maybe
    probably likely
    apparently seemingly
    typically usually generally normally
    formerly previously
    fka formerly
    aka alias known
    simultaneously together
    easily readily
    happily gladly
    gently softly
    calmly quietly
    nicely well
    terribly awfully
    closely carefully
    directly straight
    currently presently
    additional more
    adequate enough sufficient ample
    ample plenty
    numerous many
    various several different
    entire whole
    sole only single
    main primary chief
    major important significant
    crucial vital key
    suitable appropriate right fitting proper
    proper right correct appropriate
    accurate correct exact precise
    certain sure
    clear obvious evident apparent
    common frequent
    complete full total
    current present existing
    prospective potential
    possible potential
    prior previous earlier
    upcoming next coming
    recent latest
    brand new
    elderly senior
    youthful young
    lengthy long
    brief short
    rapid quick fast
    gradual slow
    rural country
    local nearby
    overseas abroad
    awesome fantastic fabulous terrific amazing wonderful great superb marvelous lovely incredible
    spectacular phenomenal outstanding excellent
    adorable cute lovable loveable sweet charming
    beautiful handsome gorgeous striking stunning pretty
    affectionate loving snuggly cuddly
    sweet kind gentle tender
    gentle soft tender
    playful frisky
    energetic active lively spirited peppy
    bouncy lively
    spunky feisty sassy spirited
    goofy silly clownish
    funny comical hilarious amusing
    smart clever bright intelligent sharp
    curious inquisitive
    loyal devoted faithful dedicated
    obedient compliant
    calm relaxed mellow chill peaceful laid-back
    peaceful tranquil
    quiet silent
    loud noisy
    vocal talkative verbal
    timid shy bashful reserved
    submissive meek
    nervous anxious uneasy
    scared fearful afraid frightened
    confident assured
    brave courageous
    strong powerful
    athletic fit
    sturdy solid stocky
    skinny thin slim lean
    fluffy furry fuzzy
    soft silky plush
    shiny glossy
    unique distinctive
    rare uncommon unusual
    tan fawn
    horrible terrible awful horrific dreadful
    dreadful deplorable appalling
    cruel inhumane
    sad unhappy
    joyful happy
    grateful thankful appreciative
    lucky fortunate
    eager keen
    ecstatic overjoyed thrilled
    patient understanding
    caring loving
    responsible reliable
    committed dedicated devoted
    willing ready
    interested keen want
    priority precedence
    familiar know knows known
    prepared ready willing expect
    bordetella bordatella bortella bordatela
    aware conscious
    busy hectic
    crowded overcrowded full
    cozy comfy comfortable
    safe secure
    sunny bright
    delicious tasty yummy
    inexpensive affordable cheap
    additional further
    nobody none noone
    company companionship
    company presence interaction interacting
    life lives living
    lifelong lifetime
    trip journey transport ride
    voyage trip
    opportunity chance
    shot chance
    option choice alternative
    answer response reply
    reply response
    question query inquiry
    request inquiry
    concern worry
    problem issue trouble
    difficulty trouble
    cause reason
    purpose aim goal
    objective goal
    result outcome
    results findings
    effort attempt
    mistake error
    lack absence missing
    knowledge idea know
    information details info data
    details particulars specifics
    link url
    website site webpage
    list listing
    story tale
    history background past
    beginning start
    location place spot
    spot place
    surroundings environment setting
    environment setting
    situation circumstances circumstance case
    condition shape state
    manner way
    method way
    procedure process
    step stage
    phase stage period
    period time
    lifestyle life
    household family home
    folks people
    kiddos kids
    youngsters kids
    companion buddy friend pal sidekick
    partner companion
    playmate friend
    soulmate companion
    nature temperament personality disposition demeanor character
    attitude disposition
    habit behavior
    behavior conduct
    trait characteristic quality
    ability capability skill
    talent skill
    look appearance
    coloring color colors
    coat fur hair
    face mug
    eyes eye
    paws feet
    mouth muzzle
    belly tummy stomach
    bottom rear
    rear hind back
    meal food dinner
    treats snacks
    chow food
    toy plaything
    couch sofa
    bed crate
    yard garden
    auto car
    trail path
    woods forest
    beach shore
    staff team employees workers
    team group
    volunteer helper
    trainer instructor
    expert professional specialist
    worker employee
    transporter driver
    coordinator organizer
    rescuers rescue
    crew team
    organization group
    event function
    gathering event
    celebration party
    donation contribution
    gift present
    cash money
    discount reduction
    total sum
    spay spaying neuter neutering alteration sterilization sterilisation altering spays neuters
    vetting vet
    checkup check
    shots vaccinations vaccines immunizations
    screening test
    infection illness
    illness disease
    recovery healing
    medication medicine
    wheelchair cart
    bandage wrap
    cut wound
    x-ray xray radiograph
    tooth teeth
    exam examination
    newbie beginner novice
    novice beginner first-time
    savvy knowledgeable experienced
    guardian parent owner
    parents parent
    mama mother
    litter babies
    newborn baby
    svc service
    asap soon
    rest remainder remaining
    half-grown adolescent
    teenager adolescent teenage
    pup puppy
    hotel motel
    attorney lawyer
    center centre
    program scheme
    course class
    lesson class
    session class
    session appointment
    towards for
    regarding about concerning
    despite although though notwithstanding
    however no
    within inside
    amid among
    throughout during
    via through
    per every
    plus and
    toward to
    throughout across
    until before
    anymore longer
    indeed really
    overall generally
    twice double
    couple two
    pair two
    weekly week
    monthly month
    yearly annual annually
    annual year
    nightly night
    overnight night
    nowadays today
    afterwards afterward later
    beforehand before
    meanwhile meantime
    nationwide country
    statewide state
    beyond outside past
    alone independently
    picky choosy particular
    endless unending
    hint touch trace
    mutt mix mixed muttley
    scritches scratches rubs
    tons lots plenty many
    majority most
    variety range selection assortment
    portion part share
    pack family crew
    abode house home
    cuddlebug cuddler snuggler lovebug
    bestie friend
    crazy wild
    leery wary cautious
    wiggly squirmy
    cheerful happy joyful
    assistance help aid support
    funds money
    extended long lengthy prolonged
    remarkable amazing extraordinary
    delightful charming wonderful lovely
    tremendous huge great
"""

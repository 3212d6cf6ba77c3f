"""Small English words by whom they make a sentence speak of: the row, its home, its kind.

Closed classes, in lower case, for `gates.subjects` and `gates.likings`.
"""

# Who is the row, or goes on to be it.
NOMINATIVES = frozenset("he she i it he's she's it's i'm he'll she'll i'll he'd she'd i'd".split())
# A verb behind “and” or a comma: the subject goes on.
GOES_ON = frozenset(
    "is has loves likes enjoys gets does knows walks plays seems was adores comes".split()
)
# Whom a listing asks for, not whom the row likes.
ASKED_FOR = frozenset(
    """
    someone somebody anyone family families home homes house household owner owners adopter
    adopters person human humans handler handlers couple environment parent parents individual
    leader
    """.split()
)
# Behind one of these begins what is said of whom it asks for: “a family who has patience”.
LEADING = frozenset("who that whose willing dedicated able committed prepared".split())
HAVING = frozenset({"with", "full"})
PERSONS = frozenset(
    "someone somebody anyone owner owners adopter adopters person human handler individual".split()
)
DEMANDING = frozenset(
    """
    need needs needed require requires required want wants looking seeking searching deserves ideal
    ideally dream must prefer prefers preferred best suit suits
    """.split()
)
# A plural in front of one of these, without an article, is a kind: “greyhounds are quiet”.
PLURAL_VERBS = frozenset(
    "are have need make tend stand love enjoy require were seem deserve do come".split()
)
OWN_PLURALS = frozenset(
    """
    they we both these those girls boys babies pups two all things favorites toys ones brothers
    sisters siblings eyes ears legs
    """.split()
)
KIND = frozenset({"breed", "breeds"})
KIND_VERBS = frozenset("is are known can need needs tend tends has have require requires".split())
# Others beside the row: “with a confident female dog”.
BESIDE = frozenset("with to by than around another like".split())
ANOTHERS = frozenset("a an another some other any".split())
COMPANIONS = frozenset(
    """
    dog dogs playmate playmates buddy buddies sibling siblings cat cats one pal roommate housemate
    puppies
    """.split()
)
KIN = frozenset(
    """
    brother brothers sister sisters mom mother mommy dad father son daughter sibling siblings
    littermate littermates friend buddy companion mate named
    """.split()
)
# Behind a name they make it whom a sentence speaks of.
OF_A_NAME = frozenset("is was has had loves likes enjoys gets weighs lived lives came".split())
HAPPENING = frozenset("be do get have live".split())
TO_COME = frozenset("will would could should might he'll she'll i'll they'll it'll".split())
# Who likes something, and what it is liked with.
LIKED_WITH = frozenset(
    """
    love loves loved loving like likes enjoy enjoys enjoying adore adores adoring fan favorite
    favorites favourite fond happy happiest eager prefer prefers dream dreams want wants wanting
    crazy obsessed passion keen excited thrives content motivated appreciate appreciates kisses
    about
    """.split()
)
# These only with what stands behind them: “great with kids”, “ready to play”.
LIKED_BY_NEXT = {
    **dict.fromkeys(
        ("great", "good", "wonderful", "awesome", "amazing"), frozenset({"with", "at"})
    ),
    "ready": frozenset({"to"}),
    "fun": frozenset({"with", "playing", "exploring", "running", "chasing", "swimming", "going"}),
}
DISLIKED = frozenset("nervous scared afraid fearful shy timid unsure reactive hates".split())
PARTNERS = frozenset("partner partners mate mates buddy companion motivated".split())
COMPARING = frozenset("acts act feels just much more almost exactly lot bit sort kind".split())
BECOMES = frozenset("seems seem remains stays looks called".split())
DEGREES = frozenset(
    "a an the very so super too of bit lot as such just all one most also well how".split()
)
# What stands in front of these words takes away what they say alone.
QUALIFIED = {
    "trained": frozenset("house crate potty leash kennel litter box pad paper toilet".split()),
    "loving": frozenset(
        "fun food toy ball water attention treat treats life peace comfort sun adventure".split()
    ),
    "energy": frozenset("low lower average moderate medium mid".split()),
}
# Behind an illness they say that it is kept away, or looked for.
PREVENTING = frozenset(
    "vaccine vaccines vaccination vaccinations preventative preventatives preventive prevention"
    " test tests testing tested screening shot shots booster boosters".split()
)
AGED_BEINGS = frozenset("child children kid kids toddler toddlers teens applicant adopters".split())
YOUNG = frozenset("pups puppies litter babies kittens".split())

# A home “for her pups” isn't one for her.
FOR_WHOSE = frozenset(("for", whose) for whose in ("her", "his", "its", "their"))
KINSFOLK = frozenset(
    """
    pups puppies puppy litter babies kittens mom mother dad sister sisters brother brothers
    sibling siblings littermate littermates
    """.split()
)

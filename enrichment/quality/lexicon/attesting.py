"""Small English words by what they do to a claim: limit it, give it to somebody else, end it.

Closed classes, in lower case, for `gates.attesting`.
"""

# What a sentence has, and an answer that says the same has to say too.
LIMITS = frozenset(
    """
    only if unless except until till when once although though however otherwise older
    over under above below younger some certain sometimes somewhat occasionally selective
    selectively slow slowly supervised supervision learning improving working almost mostly usually
    depending may might maybe perhaps possibly probably think guess believe seems seem appears
    hopefully hope hopes unknown unsure untested less least minimum recommend recommended
    teach teaching benefit most proper properly introduction introductions introduced picky
    """.split()
)
# Of whom or what else a sentence may speak: not the row.
OTHERS = frozenset(
    """
    family families home homes house household households owner owners person people adopter
    adopters human humans someone somebody anyone anybody everyone everybody environment
    environments lifestyle lifestyles neighborhood yard foster fosters mom moms mother dad father
    parent parents brother brothers sister sisters sibling siblings littermate littermates rescue
    shelter shelters volunteer volunteers staff kid kids child children cat cats puppies couple
    dogs breed breeds individual individuals handler handlers leader trainer vet surgeon others
    another
    """.split()
)
# Those of them that take a dog: “a quiet home”, “an active couple”.
HOMES = frozenset(
    """
    family families home homes house household households owner owners person people adopter
    adopters someone somebody parent parents couple individual handler environment
    """.split()
)
# Alone they say that somebody likes them.
BEINGS = frozenset(
    """
    dog dogs doggy puppies cat cats kitty kid kids child children people person men women adults
    family families pets animals strangers horses birds chickens
    """.split()
)
PRONOUNS = frozenset("he she it he's she's it's they're i i'm him her this".split())
# Whoever wrote it, and who reads it, where no preposition makes them an object.
SPEAKERS = frozenset(
    "we you our your they're we're you're you'll we'll everything everyone everybody".split()
)
PREPOSITIONS = frozenset(
    "with to for by from of at on in into near next beside around love loves give gives let"
    " meet".split()
)
# Between somebody and what is said of them.
SAYING = frozenset("is are was were be being who that which has have".split())
BREAKS = frozenset(", ; : ( ) ! ? – — and or but with as who that which plus while".split())  # noqa: RUF001
NEGATIVE_RESULTS = frozenset(
    "negative neg completed finished cured recovered survivor survived overcame".split()
)
PRESENT = frozenset("is are am he's she's it's they're i'm".split())
WAS = frozenset({"was", "were"})
PAST = frozenset("was were been used had will would could".split())
# Words that others hang on: “loves dogs and cats”.
# Words that aren't what their stem says: who is loving need not love something.
ADJECTIVES = frozenset({"loving", "caring", "willing", "interesting", "boring"})
# No form of their stem: who is in training isn't trained.
NO_FORMS = ADJECTIVES | {"trained", "eagerly", "pets"}
LIKING = frozenset("love loves like likes enjoy enjoys adore adores fond".split())
# In these, “but” is a limit: “likes cats, but chases them”.
GOODNESS = frozenset("good great wonderful awesome excellent fine well fantastic".split())
GOVERNING = frozenset(
    """
    love like enjoy adore dislike hate fear good great wonderful awesome gets along prefer prefers
    need needs want wants require scared trained
    """.split()
)
# Two words that stand for what every dog gets, and say nothing of it.
PLAIN_FRAMES = frozenset(
    (one, other)
    for one in "loving caring forever new permanent happy good great perfect wonderful".split()
    for other in "home homes family families household owner owners person people".split()
)
# A verb of these behind “loving” or in front of it makes it one: “I am loving this weather”.
BE = frozenset("am is are was were be been being i'm he's she's it's they're we're".split())
DETERMINERS = frozenset(
    "this that these those the my your his her its our their it them every each all life".split()
)
ARTICLES = frozenset("a an the your our their some any another this that".split())
JOINERS = frozenset(", and or &".split())
# Whom adjectives follow: “someone calm and patient”.
FOLLOWED = frozenset("someone somebody anyone anybody".split())
# What a listing calls its dog: adjectives in front of these are its own.
OWN_NOUNS = frozenset(
    """
    dog doggy doggo pup puppy pooch boy girl guy gal lady gentleman lad fella fellow man sweetheart
    baby companion friend mix mutt soul personality temperament nature disposition demeanor
    attitude character spirit
    """.split()
)
TURNING = frozenset("but yet however though although ;".split())

# These limit only what stands behind them: “is smart, and we teach him to sit”.
LIMITING_BEHIND = frozenset({"teach", "teaching", "benefit"})
# What the row does no more, or did once: “lived with cats”.
PAST_VERBS = frozenset("lived loved liked enjoyed played needed wanted walked slept".split())
# Behind a being they say with whom: “dog friendly” is no “friendly”.
FITTED = frozenset("friendly savvy selective tested reactive aggressive".split())
# In front of beings they say that not all are meant.
NARROWING = frozenset(
    "big bigger large larger small smaller little most some certain female male calm older".split()
)
# Between “good” and a being they say that it is good with it: no “great dogs”.
TOWARDS = frozenset("with around along to towards toward".split())

"""Small words by language: those that carry no meaning, that deny, that demand, that have a sex.

Small on purpose: a language that isn't in a table isn't judged by it. All in lower case.
"""

# ruff: noqa: RUF001 - words in many scripts

from collections.abc import Mapping

from enrichment.quality.patterns import compiled_later

# Words that say nothing alone; English, and the commonest of other languages.
STOPWORDS = frozenset(
    """
    gee wiz whiz whizz geez jeez gosh golly ooh oooh ohh aww awww awe whoa woah woo whoo hoo hooray
    hurray horray hurrah yippee oops whoops yikes hmm ahem
    a about above after again all also am an and any are around as at away back be because been
    before being below between both but by can come could did do does doing done down during each
    either else even ever every few for from further get gets getting give go goes going got had has
    have having he her here hers herself him himself his how i if in into is it its itself just know
    let like lot lots made make makes many may maybe me might mine more most much my myself new now
    of off on once one ones only onto or other others our ours out over own please put quite really
    same say see seem seems shall she should since so some soon still such take than that the their
    theirs them themselves then there these they this those though through to together too under
    until up upon us very was way we well went were what when where whether which while who whom
    whose why will with within would yes yet you your yours yourself i'm i've i'll i'd he's she's
    it's that's there's who's what's let's you're you'll you've you'd we're we'll we've we'd they're
    they'll they've he'll she'll it'll he'd she'd
    across along alongside amid amidst among amongst anywhere beneath beside despite everywhere
    onto somewhere throughout toward towards underneath upon via whatever wherever whichever
    whoever whomever
    der die das und ist ein eine einen einem einer mit auf für von dem den sie er ich wir sehr zu im
    in an am es als auch aber hat war wird bei sich aus nach oder noch wie so
    le la les et est un une des dans pour avec qui elle il du sur très ce cette au en
    el los las es una con por para que está se su del como más pero ella al
    gli di della sono molto anche questo lui si os as um uma do da dos das ele ela seu sua em são
    het een van voor zijn hij zij ze op dat heeft naar ook aan
    """.split()
)

# English short forms without their apostrophe, as people type them.
_BARE = (
    "aint arent cant couldnt dosent dosnt didnt doesnt dont hasnt havent isnt shouldnt wasnt werent"
    " wont wouldnt"
)
NEGATORS: Mapping[str, frozenset[str]] = {
    language: frozenset(found.split())
    for language, found in {
        "en": "no not never none nobody nothing neither nor without cannot unable non hardly"
        f" {_BARE}",
        "de": "nicht kein keine keinen keinem keiner keines nie niemals ohne nichts niemand weder"
        " kaum",
        "es": "no nunca jamás sin ningún ninguna ninguno nada nadie tampoco ni apenas",
        "fr": "ne pas jamais sans aucun aucune rien personne ni non plus n'est n'a n'aime n'ont"
        " guère",
        "it": "non nessun nessuno nessuna mai senza niente nulla né neanche nemmeno",
        "nl": "niet geen nooit zonder niets niemand noch nauwelijks amper",
        "pt": "não nunca jamais sem nenhum nenhuma nada ninguém nem",
        "pl": "nie bez nigdy żaden żadna żadne żadnych nikt nic ani",
        "sv": "inte ej aldrig utan ingen inget inga",
        "da": "ikke ej aldrig uden ingen intet",
        "no": "ikke aldri uten ingen intet",
        "ru": "не нет без никогда ни никто ничего нельзя",
        "uk": "не немає без ніколи ні ніхто нічого",
    }.items()
}
# In languages without spaces: what stands anywhere in the text.
NEGATING_SIGNS: Mapping[str, tuple[str, ...]] = {
    "ja": ("ない", "ません", "ず", "なし", "無", "不", "禁"),
    "zh": ("不", "没", "沒", "无", "無", "非", "别", "未", "勿"),
    "ko": ("않", "없", "못", "안 ", "아니", "불가", "금지"),
}

# What a sentence is likely to ask of the reader, in English: a condition or a warning.
DEMANDS = frozenset(
    """
    must only require requires required requirement requirements need needs needed should
    mandatory prefer prefers preferred recommend recommended unless except caution warning
    careful carefully beware avoid prohibited forbidden ideally supervised supervision
    """.split()
)

# Words of one sex, English: pronouns and who they stand for.
MALE = frozenset("he him his himself he's he'll he'd boy male gentleman".split())
FEMALE = frozenset("she her hers herself she's she'll she'd girl female lady gal".split())

# Words that judge, English: one of the one kind in place of one of the other turns the meaning.
POSITIVE = frozenset(
    """
    love loves loved like likes liked enjoy enjoys adore adores good great friendly gentle calm safe
    healthy happy easy well best tolerant tolerates accepts welcomes trusts confident relaxed quiet
    obedient clean sweet patient excellent wonderful perfect suitable allowed able
    """.split()
)
NEGATIVE = frozenset(
    """
    hate hates hated dislike dislikes disliked fears afraid bad badly poor poorly aggressive rough
    unfriendly dangerous unsafe sick unhealthy unhappy difficult hard worst intolerant attacks
    rejects avoids distrusts anxious nervous noisy loud disobedient dirty mean impatient terrible
    unsuitable forbidden unable reactive hostile
    """.split()
)

# Who lives with a dog or near it, English: which of two of them stands where matters.
BEINGS = frozenset(
    """
    dog dogs puppy puppies cat cats kitten kittens pet pets animal animals bird birds livestock
    child children kid kids baby babies toddler toddlers teen teens teenager teenagers adult adults
    senior seniors people person man men woman women boy boys girl girls male males female females
    mother mom mama father dad brother brothers sister sisters sibling siblings son daughter
    husband wife owner owners adopter adopters foster fosters stranger strangers
    """.split()
)

# Words that come and go without changing what is said.
FILLERS = frozenset("very really so just quite pretty also even too please".split())

# Where one clause ends and another begins, as to what a negation covers.
CLAUSE_WORDS = frozenset("but however although though yet because so while".split())
CLAUSE_ENDS: Mapping[str, frozenset[str]] = {
    "en": CLAUSE_WORDS,
    **{
        language: frozenset(found.split())
        for language, found in {
            "de": "aber sondern obwohl weil doch jedoch",
            "es": "pero sino aunque porque",
            "fr": "mais cependant pourtant car",
            "it": "ma però perché anche",
            "nl": "maar hoewel omdat echter",
            "pt": "mas porém embora porque",
            "pl": "ale jednak lecz bo chociaż",
            "sv": "men eftersom",
            "da": "men fordi",
            "no": "men fordi",
            "ru": "но однако хотя потому",
        }.items()
    },
}
# Behind these a negation is of the next thing: "children and no cats". Relative words too.
CONJUNCTIONS: Mapping[str, frozenset[str]] = {
    language: frozenset(found.split())
    for language, found in {
        "en": "and or who which that",
        "de": "und oder der die das",
        "es": "y o e que",
        "fr": "et ou qui que",
        "it": "e o che",
        "nl": "en of die",
        "pt": "e ou que",
        "pl": "i lub oraz który która",
        "sv": "och eller som",
        "da": "og eller som",
        "no": "og eller som",
        "ru": "и или который которая",
    }.items()
}
# Behind a comma or "and" these begin something that a negation before it doesn't reach.
STATING: Mapping[str, frozenset[str]] = {
    language: frozenset(found.split())
    for language, found in {
        "en": "is he she it they loves love likes enjoys gets does has great good well fine"
        " friendly adores needs lives knows walks must takes",
        "de": "ist er sie liebt mag versteht gut hat braucht muss bekommt kann",
        "es": "es está ama bueno buena tiene necesita toma debe deben le",
        "fr": "est il elle aime bon bonne va lui prend doit doivent a",
        "it": "è ama lui lei buono buona va prende deve devono ha",
        "nl": "is hij zij ze houdt goed krijgt moet moeten heeft kan",
        "pt": "é ele ela ama bom boa tem precisa toma deve devem",
        "pl": "jest lubi kocha dobrze musi muszą przyjmuje ma potrzebuje",
        "sv": "är han hon älskar gillar",
        "da": "er han hun elsker",
        "no": "er han hun elsker",
        "ru": "он она любит",
    }.items()
}
# In languages without spaces: where a clause ends, and what only looks like a negation.
CLAUSE_SIGNS = compiled_later("[、，,；;]|けど|けれど|但是|但|而且|지만|으며|하며|있고|왔고")
NO_NEGATION: Mapping[str, tuple[str, ...]] = {
    "ja": ("必ず", "まず", "ずっと", "少しず", "無料", "無事"),
    "zh": tuple("非常 特别 特別 不仅 不僅 不但 无论 無論 差不多 不错 不錯 级别".split()),
    "ko": ("집 안", "동안"),
}
# Words of one sex by language: who does something, and relatives alone; a dog is often "he".
SEXES: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    language: (frozenset(male.split()), frozenset(female.split()))
    for language, (male, female) in {
        "en": ("he him his himself he's", "she her hers herself she's"),
        "de": (
            "er ihn ihm sein seine seinen seinem seiner rüde",
            "sie ihr ihre ihren ihrem hündin",
        ),
        "es": ("él", "ella"),
        "fr": ("il", "elle"),
        "it": ("lui", "lei"),
        "nl": ("hij hem zijn reu", "zij ze haar teef teefje"),
        "pt": ("ele dele", "ela dela"),
        "pl": ("on jego niego nim", "ona jej niej nią"),
        "sv": ("han honom hans", "hon henne hennes"),
        "da": ("han ham hans", "hun hende hendes"),
        "no": ("han ham hans", "hun henne hennes"),
        "ru": ("он его него им", "она её ее неё ней"),
    }.items()
}

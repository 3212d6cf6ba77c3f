"""Small words by language: those that carry no meaning, that deny, that demand, that have a sex.

Small on purpose: a language that isn't in a table isn't judged by it, and `gates.languages_judged`
says so. All in lower case; a trailing `*` takes any ending.
"""

from collections.abc import Mapping

# Words that say nothing alone; English, and the commonest of other languages.
STOPWORDS = frozenset(
    """
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
        "es": "no nunca jamás sin ningún ninguna ninguno nada nadie tampoco ni",
        "fr": "ne pas jamais sans aucun aucune rien personne ni non plus n'est n'a n'aime n'ont",
        "it": "non nessun nessuno nessuna mai senza niente nulla né neanche nemmeno",
        "nl": "niet geen nooit zonder niets niemand noch",
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

# Where one clause ends and another begins, as to what a negation covers.
CLAUSE_WORDS = frozenset("but however although though yet because so while".split())
# The same in other languages, and the end of a clause by its sign.
CLAUSE_ENDS = (
    CLAUSE_WORDS
    | frozenset(
        """
    aber sondern obwohl weil pero sino aunque porque mais cependant bien ma però anche se maar
    hoewel mas porém embora ale jednak lecz men но однако хотя
    """.split()
    )
    | {""}
)
# Behind these a negation is of the next thing: "children and no cats". Relative words too.
CONJUNCTIONS = frozenset(
    "and or und oder y o e ou et en of i lub who which that der die das que qui che die".split()
)
# Behind a comma or "and" these begin something that a negation before it doesn't reach.
STATING = frozenset(
    """
    is he she it they loves love likes enjoys gets does has great good well fine friendly adores
    needs lives knows walks ist er sie liebt mag versteht gut hat braucht es está ama bueno buena
    il elle est aime bon bonne va lui lei ama buono buona hij zij ze houdt goed ele ela é bom boa
    jest lubi kocha dobrze
    """.split()
)

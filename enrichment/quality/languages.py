"""Which language a text is in, by its script and commonest words, and which tag counts as which.

Small and quick rather than complete: it looks at the first 600 characters, knows the languages
below, and answers "" when it can't tell: short texts, languages that are not listed, and relatives
that share their small words (Danish and Norwegian, Czech and Slovak, Croatian, Serbian and
Slovenian, Indonesian and Malay). It costs about 20 µs a text; n-gram detectors cost 50 times that.
"""

from collections import Counter
from collections.abc import Iterable

from enrichment.quality.patterns import compiled_later

LOOKED_AT = 600  # characters
MIN_HITS = 3
CLEAR_LEAD = 1.5  # times as many hits as the next language

_COMMON = {
    "en": "the and is are was has he she his her with for you your this that will would to of not"
    " my am in it who can be at an our have been on by we very get me old but as so if do or",
    "de": "der die das und ist nicht ein eine sich mit auf für von dem den sie er ich wir sehr zu"
    " im in an am es als auch aber hat war wird bei",
    "fr": "le la les et est un une des dans pour avec qui elle il pas du sur très ce cette au en",
    "es": "el la los las es un una con por para que muy está se su del como más pero ella al en de",
    "it": "il la gli un una con per che non di della sono molto anche questo lei lui si al in",
    "pt": "os as um uma com para que não muito do da dos das ele ela seu sua em são de por",
    "nl": "de het een en is niet van met voor zijn hij zij ze op dat die heeft naar ook aan in",
    "sv": "och är en ett det som att med för inte på av hon han den har till mycket kan om",
    "da": "og er en et det som at med for ikke på af hun han den har til meget kan sig",
    "no": "og er en et det som å med for ikke på av hun han den har til veldig kan seg",
    "fi": "ja ei se hän joka että mutta kun myös ovat oli sekä hyvin kanssa niin kuin hänen",
    "pl": "jest na nie się że jak dla ale ma bardzo jego jej który są od oraz przez",
    "cs": "je na se že pro ale jako který jsou velmi má jeho její od nebo také",
    "hu": "az és egy nem hogy nagyon vagy meg csak ez mint aki már volt lehet kutya",
    "ro": "și este un la cu de pe nu care pentru foarte din sau mai el ea sunt să în",
    "tr": "ve bir bu için ile çok da ne olan gibi daha var değil kadar onun bir",
    "hr": "je na se za su od koji ali kao vrlo ima nije ili ona sam što",
    "vi": "và là của có cho không một những được với các rất người này trong nó",
    "id": "dan yang untuk dengan ini itu tidak dari ke dia sangat adalah pada akan anjing",
}
_LANGUAGES_OF: dict[str, tuple[str, ...]] = {}
for _code, _words in _COMMON.items():
    for _word in dict.fromkeys(_words.split()):
        _LANGUAGES_OF[_word] = (*_LANGUAGES_OF.get(_word, ()), _code)
# The languages that share a word, by a number: what is counted is hashed each time.
_SHARING = [(), *dict.fromkeys(_LANGUAGES_OF.values())]
_NUMBER_OF = {word: _SHARING.index(codes) for word, codes in _LANGUAGES_OF.items()}

# Relatives answer to one code.
_FAMILY = {
    "nb": "da", "nn": "da", "no": "da", "sk": "cs", "sl": "hr", "sr": "hr", "bs": "hr", "ms": "id",
}  # fmt: skip
_SCRIPTS = (
    (compiled_later("[\u3040-\u30ff]"), "ja"),
    (compiled_later("[\uac00-\ud7af]"), "ko"),
    (compiled_later("[\u4e00-\u9fff]"), "zh"),
    (compiled_later("[\u0400-\u04ff]"), "cyrillic"),
    (compiled_later("[\u0370-\u03ff]"), "el"),
    (compiled_later("[\u0590-\u05ff]"), "he"),
    (compiled_later("[\u0600-\u06ff]"), "arabic"),
    (compiled_later("[\u0900-\u097f]"), "hi"),
    (compiled_later("[\u0e00-\u0e7f]"), "th"),
)
_ANY_SCRIPT = compiled_later(
    "[" + "".join(letters.pattern.strip("[]") for letters, _name in _SCRIPTS) + "]"
)
# A script that several languages use, with the letters that only some of them have.
_CYRILLIC = (("uk", "іїєґ"), ("ru", "ыэё"), ("hr", "ђјљњћџ"))
_SEVERAL = {
    "cyrillic": frozenset({"ru", "uk", "bg", "hr", "mk", "be", "kk", "mn"}),
    "arabic": frozenset({"ar", "fa", "ur", "ps"}),
}
KNOWN = frozenset(_COMMON) | {"ja", "ko", "zh", "el", "he", "ar", "hi", "th", "ru", "uk", "bg"}


def guess(text: str) -> str:
    """A language's code, a script's name where only that is clear, or "" for can't tell."""
    start = text[:LOOKED_AT]
    if not start.isascii() and (script := _script(start)):
        return script
    # Counted by the languages that share the word: few of them differ.
    shared = Counter(filter(None, map(_NUMBER_OF.get, start.lower().split())))
    if not shared:
        return ""
    hits: dict[str, int] = {}
    for sharing, number in shared.items():
        for code in _SHARING[sharing]:
            hits[code] = hits.get(code, 0) + number
    by_family: dict[str, int] = {}
    for code, number in hits.items():
        family = _FAMILY.get(code, code)
        by_family[family] = max(by_family.get(family, 0), number)
    (best, most), *others = sorted(by_family.items(), key=lambda each: -each[1])
    runner_up = others[0][1] if others else 0
    return best if most >= MIN_HITS and most >= CLEAR_LEAD * runner_up else ""


def strangers(words: Iterable[str]) -> tuple[int, int]:
    """How many small words are of other languages and not English, and how many are English."""
    codes = [found for each in words if (found := _LANGUAGES_OF.get(each))]
    english = sum("en" in each for each in codes)
    return len(codes) - english, english


def _script(text: str) -> str:
    """The script that at least a third of the text is in, if it isn't the Latin one."""
    if _ANY_SCRIPT.search(text) is None:
        return ""
    for letters, name in _SCRIPTS:
        # A third, for names stay Latin; kana comes first, for Japanese mixes it with Chinese signs.
        enough = 10 if name == "ja" else 3
        if len(letters.findall(text)) * enough > len(text) - text.count(" "):
            return _cyrillic(text) if name == "cyrillic" else name
    return ""


def _cyrillic(text: str) -> str:
    lowered = text.lower()
    for code, letters in _CYRILLIC:
        if any(letter in lowered for letter in letters):
            return code
    return "cyrillic"


def differs(found: str, wanted: str) -> bool:
    """Whether a guess surely isn't the wanted language; both may be "" for can't tell."""
    if not found or not wanted:
        return False
    base = _base(wanted)
    for several, languages in _SEVERAL.items():
        if several in (found, base):
            other = base if found == several else found
            return other != several and other not in languages
    return found != base


def is_known(code: str) -> bool:
    """Whether a text in this language would be told from others."""
    return _base(code) in {_FAMILY.get(each, each) for each in KNOWN}


def _base(code: str) -> str:
    """`pt-BR` is Portuguese, `nb` answers to Danish's small words."""
    base = code.partition("-")[0]
    return _FAMILY.get(base, base)

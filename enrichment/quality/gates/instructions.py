"""Texts that speak to the model instead of the reader.

A row's text is data: what it tells a model to do is not done, and a person sees the row. This finds
ways of saying it by kind (`lexicon.addressing`), in English and some other languages; it is no
proof that a text is harmless.
"""

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import re2
from django.utils.translation import gettext_lazy as _

from enrichment.quality.disguises import (
    APART,
    HIDDEN,
    MIXED,
    TURNED,
    hidden_texts,
    is_usual,
    re2_set_later,
    remarkable_in,
    undisguised,
    with_letters,
)
from enrichment.quality.findings import GateFinding, register_code
from enrichment.quality.gates.contract import Checked, found_in_answer
from enrichment.quality.lexicon.addressing import (
    FOREIGN,
    FRAMES,
    GUIDANCE,
    HOWEVER,
    MACHINE,
    OF_A_MODEL,
    ORDERED_MACHINE,
    PRODUCTS,
    READ_TEXT,
    READS,
    SET_ASIDE,
    SPOKEN_TO,
    VOID,
    WHOEVER,
    WHOSE,
)
from enrichment.quality.patterns import compiled_later, re2_compiled_later

ADDRESSES_MODEL = register_code(
    "addresses_model", _("The text addresses the model"), of_answer=True
)

# At least one of these is in all that the patterns find; only its surroundings are searched.
_HINTS = (
    "instruct", "prompt", "ignor", "disregard", "forget", " ai", "assistant", "language model",
    "chatbot", "gpt", "llm", "json", "</", "<|", "[/inst", "###", " tag", "system", "developer:",
    "anweisung", "vorgabe", "sprachmodell", "de lenguaje", "instruc", "olvida", "consigne",
    "de langage", "istruzion", "dimentica", "negeer", "taalmodel", "instruç", "confidence",
    "respond ", "reply ", "answer ", "output", "must say", "must state", "should say",
    "must include", "must mention", "must contain", "your response", "the translation",
    "translate this", "you are now", "follow", "skip your", "skip all", "label", "classif", "bots",
    "robot", "crawler", "machine", "software", "automated", "expected", "correct ", "right tag",
    "developer", "training example", "return exactly", "return only", "return the", "summary",
    "generated", "in your", "oublie", "vergiss", "vergeet", "desconsider", "esqueça", "regras",
    "reglas", "regole", "règles", "_", "acceptable", "debug", "new task", "end of", "overlook",
    "set aside", "put aside", "guidance", "begin your", "start your", "gib nur", "antworte",
    "schreib", "etiqueta", "répondre", "responde", "rispondi", "antwoord", "bypass", "scrap",
    "delete", "revoke", "dismiss", "neglect", "disable", "switch off", "turn off", "leave aside",
    "skip", "\"instr", "\"comm", "\"prio", "\"task", "\"action", "<<", "discard", "overrid",
    "abandon", "no attention", "no heed", "no mind", "no regard", "no notice", "unlearn", "obey",
    "whatever", "whoever", "whichever", "no matter", "regardless", "however you", "go by ",
    "treat this", "take this", "do as", "do what", "neural", "algorithm", "parser", "scraper",
    "tagger", "indexer", "copilot", "gemini", "claude", "llama", "mistral", "siri", "alexa",
    "grok", "your verdict", "your final", "your whole", "your own", "evidence ", "quote ",
    "pretend", "repeat after", "decode", "keyword", "accordingly", "<!--", "display:", "display :",
    "font-size", "*admin", "* admin", "* root", "* override", "the above", "preceding",
    "the previous", "the real", "the actual", "the true", "new document", "new listing",
    "new input", "new session", "\"role", "'role", "\"content", "human:", "user:", "question:",
    "bot:", "model:", "test of", "unit test", "passing means", "as the o", "as the a", "as the d",
    "you, the", "you the", "programs", "a.i.", "ignorier", "missacht", "vergess", "überspring",
    "verwirf", "übergeh", "beachte", "desatiend", "descart", "omit", "no haga", "néglig", "écart",
    "ne tien", "ne sui", "ne respec", "trascur", "scord", "tralasci", "non segu", "non tene",
    "neger", "esqueç", "desprez", "zapomnij", "pomiń", "odrzuć", "забудь", "игнор", "отбрось",
    "не учит", "не след", "glöm", "bortse", "strunta", "glem ", "se bort", "yok say", "unut",
    "dikkate", "görmezden", "無視", "忘れ", "忽略", "无视", "忘记", "忘記", "不要", "跳过",
    "무시", "잊", "jesteś",
    "ты ", "du bist", "eres ", "tu es", "vous êtes", "sei ", "je bent", "você é", " hey ",
    "\nhey ", "hello ", "dear ", " bot,", " bot ", "answered with",
)  # fmt: skip
# In one pass over the text in UTF-8: RE2 reads nothing else, and a text would be encoded each time.
_HINT = "|".join(map(re2.escape, (*_HINTS, *TURNED))).encode()
_HINTED = re2_compiled_later(_HINT)
BEFORE, AFTER = 80, 160  # characters around a hint
_WHOSE = r"(?:(?:all|any|the|your|these|those|every|my|of)\s+){0,3}"
_RULES = r"(?:instructions?|prompts?|rules|directions|guidelines|context|commands?|text|messages?)"
# The usual ways, as they were first collected.
_COLLECTED = (
    r"(?:"
    rf"\b(?:ignore|disregard|forget|override|bypass)\s+{_WHOSE}"
    rf"(?:(?:previous|prior|above|earlier|preceding|other|system)\s+){{0,2}}{_RULES}\b"
    r"|\b(?:ignore|disregard|forget)\s+(?:everything|anything|all)\s+"
    r"(?:above|before|previous|prior|you (?:were|have been) (?:told|given|taught))\b"
    r"|\byou are (?:now )?(?:an? )?(?:ai|assistant|language model|chatbot|llm)\b"
    r"|\b(?:dear|hey|hello|hi|attention|note to(?: the)?|message to(?: the)?|to the)\s+"
    r"(?:ai|llm|(?:language |ai )?model|chatbot|assistant|gpt)\b"
    r"|\b(?:if you are|as) an? (?:ai|llm|language model|chatbot|assistant)\b"
    r"|\b(?:system|developer) prompt\b|\b(?:new|your|following) instructions?\s{0,3}:"
    r"|(?:^|\n)\s{0,9}(?:system|assistant|developer)\s{0,3}:"
    r"|<\|[a-z_]{2,20}\|>|\[/?inst\]|###\s{0,3}(?:system|instruction|assistant|response)"
    r"|</?(?:listing|text|facts|question|row|system|instructions?)\s{0,3}>"
    r"|\b(?:respond|reply|answer|output) (?:only )?(?:with|in)(?: only)? "
    r"(?:the (?:word|text|tag|phrase|following)|json|exactly|\")"
    r"|\btag (?:this|the|him|her|it) (?:dog |listing |animal )?(?:as|with) "
    r"|\byou are now [^\n.]{0,40}(?:model|mode|dan|assistant|unrestricted)\b"
    r"|\btranslate this (?:as|to|with|by) "
    r"|\b(?:add|apply|include|use|set|assign|give)\s+(?:it\s+)?(?:the |these |this )?"
    r"(?:(?:search |following )?tags?\b(?! (?:fee|number|id))|[\"'`]?[a-z]+_[a-z_]+[\"'`]?)"
    r"|\bconfidence (?:of |= ?|: ?)?(?:1|0\.9\d*|100)\b"
    r"|\b(?:the |your )?(?:translation|summary|profile|bio|description|tagline|output) "
    r"(?:must|should|has to|needs to) (?:say|state|include|contain|mention|read|be)\b"
    r"|\b(?:say|write|state|mention|claim|include) (?:that )?(?:he|she|it|this dog|the dog)"
    r" [^.\n]{0,60}\bin (?:your|the) (?:answer|response|profile|translation|output|bio)\b"
    # Whoever reads by machine, and what it is to put where.
    r"|\b(?:software|bots?|robots|crawlers?|machines?|automated|automatic|tagger|classifier|scraper"
    r"|developers?)\b[^.!?\n]{0,60}\b(?:tag|tags|tagger|label|labels|classify|mark|choose|output"
    r"|list"
    r"|treats?|records?|[a-z]{2,20}_[a-z_]{2,20})\b"
    r"|\b(?:do not|don't|stop)\s+(?:follow|obey|tag)\w{0,6}\s+(?:the|your|by)\s+"
    r"(?:the\s+)?(?:task|text|instructions?|rules|prompt)\b"
    r"|\bfollow only this (?:listing|text|ad|page)\b"
    r"|\b(?:skip|bypass|override)\s+(?:your|all|the)\s+(?:usual\s+|normal\s+)?"
    r"(?:checks|rules|filters|guidelines|gates)\b"
    r"|(?:^|[.:,!\n]\s{0,9}|please )(?:classify|label|categori[sz]e|mark)\s+(?:(?:it|him|her|this"
    r"|the dog)\s+)?as\b"
    r"|\bthe (?:label|tag|category) for this (?:page|listing|dog|record|ad)\b"
    r"|\b(?:the )?tag (?!fee|number|id|on|of|in|says|reads|and|with|from|along|us|is|at|for)"
    r"[a-z_]{3,20} (?:is|must|should|has to|belongs|applies|be)\b"
    r"|\b(?:expected|correct) (?:result|output|tags?|labels?|answer) (?:is|are|here|for)\b"
    r"|\b(?:expected|correct) (?:output|tags?|labels?)\b|\bis the right tag\b"
    r"|\btraining example\b|\btest of the (?:tagging|model|system)\b|\blistings without tags\b"
    r"|\breturn (?:exactly|only|the (?:tag|label|word)|[a-z]{2,20} instead)\b"
    r"|\bgenerated (?:profile|text|summary|answer|description|tags?)\b"
    r"|\b(?:summary|profile|translation|bio) of this (?:ad|listing|dog|text) (?:must|should|has to"
    r"|needs to)\b"
    r"|\bin (?:your|the) (?:answer|response|profile|translation|output|bio|summary),? (?:please )?"
    r"(?:say|write|state|mention|claim|include|list)\b(?! (?:that you|us|your|who|how)\b)"
    # Names as programs have them, which no reader is written to with; not in an address.
    r"|(?:^|\s|[(\"':,])[a-z]{2,20}(?:_[a-z]{2,20}){1,3}(?:$|\s|[)\"'=:;,.!?])"
    r"|\b(?:chatgpt|large language models?|language models?|tagging model)\b"
    r"|\b(?:set aside|put aside|overlook|drop)\s+(?:the prompt|what you were told|your (?:prompt"
    r"|rules|instructions?|guidance))\b"
    r"|\byour (?:earlier|previous|prior) (?:guidance|instructions?|rules|prompt)\b"
    r"|\buser:[^\n]{0,80}\bassistant:|\bsystem message\b|\bnew task:|\bend of (?:the )?listing\b"
    r"|\b(?:begin|start) your (?:response|answer|reply) with\b"
    r"|\bonly acceptable (?:output|answer)\b"
    r"|\bdebug mode\b|\bcarries the (?:label|tag)\b"
    r"|\b(?:schreibe?|antworte|gib) nur\b|única etiqueta\b|\brépondre uniquement\b"
    r"|\b(?:responde|rispondi|antwoord) (?:solo|únicamente|alleen)\b"
    r"|\b(?:this|the) listing (?:orders|demands|commands) the tag\b"
    r"|[\"'](?:tags?|confidence|evidence)[\"']\s{0,3}:"
    r"|\b(?:ignoriere|missachte|vergiss)\s+(?:\w+\s+){0,3}(?:anweisung|vorgabe|regel)\w*"
    r"|\b(?:ignora|olvida|desatiende)\s+(?:\w+\s+){0,3}(?:instruccion|reglas|indicacion)\w*"
    r"|\b(?:ignore[zr]?|oublie[zr]?)\s+(?:\w+\s+){0,3}(?:instructions|consignes|règles)\b"
    r"|\b(?:ignora|dimentica)\s+(?:\w+\s+){0,3}(?:istruzion|regole)\w*"
    r"|\b(?:negeer|vergeet)\s+(?:\w+\s+){0,3}(?:instructie|regels|opdracht)\w*"
    r"|\b(?:ignore|esqueça|desconsidere)\s+(?:\w+\s+){0,3}(?:instruç|regras)\w*"
    r")"
)
# By kind of what is said.
_KINDS = (
    _COLLECTED,
    rf"\b{SET_ASIDE}\s+{WHOSE}{GUIDANCE}\b",
    f"{VOID}|{HOWEVER}|{WHOEVER}|{PRODUCTS}",
    rf"\b{SPOKEN_TO} (?:\w+ ){{0,3}}{MACHINE}\b|(?:^|[.!?\n]\s{{0,3}}){MACHINE}\s?[,:]",
    rf"\b(?:any|every|all|some) {MACHINE}\b|\b{MACHINE} (?:that |which |now )?{READS} {READ_TEXT}",
    ORDERED_MACHINE,
    OF_A_MODEL,
    FRAMES,
    FOREIGN,
)


# Edges of words that a match may end with, and ends: a surrounding's end may cut a word in two.
_LAST_EDGE = compiled_later(r"\\b(?=[|)]|\Z)|\$")


def _loosely(pattern: str) -> str:
    """A pattern for RE2 that finds all that this one finds, and more, in a tenth of the time.

    Without look-aheads, which RE2 doesn't know, and bounds of repetitions, for which it would need
    much memory. Edges of words, which it sees in ASCII alone, stay where a letter of it is.
    """
    loose = re.sub(r"\(\?!(?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)", "", pattern)
    loose = loose.replace(r"\b", "") if pattern is FOREIGN else _LAST_EDGE.sub("", loose)
    loose = re.sub(r"\{[1-9]\d*,\d*\}\??", "+", re.sub(r"\{0,\d+\}\??", "*", loose))
    loose = loose.replace(r"\s", r"[\s\x0b\x1c-\x1f\x{85}\p{Z}]")
    return loose.replace(r"\w", r"[\w\x{80}-\x{10ffff}]")


@cache
def _kinds() -> "tuple[tuple[Any, re.Pattern[str]], ...]":
    """What may speak to a model, loosely for RE2 and exactly; most processes never ask."""
    return tuple((re2.compile(_loosely(each)), re.compile(each)) for each in _KINDS)


# All kinds in one, in any case: nearly every text has none.
_ANY_KIND = "|".join((*(f"(?:{_loosely(each)})" for each in _KINDS), *TURNED)).encode()
_MAY_ADDRESS = re2_set_later(b"(?i:" + _ANY_KIND + b")")


# What was found in sources that were looked at ahead, the oldest first.
_foreseen: OrderedDict[str, GateFinding | None] = OrderedDict()
UNSEEN = GateFinding("", "")
MAX_FORESEEN = 1_024
MAX_FORESEEN_CHARACTERS = 4_000  # of one of them


def foresee(source: str) -> None:
    """Look at a source ahead of its answer.

    Many in a row take half the time: between other work, RE2's tables are out of the processor's
    caches each time.
    """
    if len(source) <= MAX_FORESEEN_CHARACTERS and source not in _foreseen:
        while len(_foreseen) >= MAX_FORESEEN:
            _foreseen.popitem(last=False)
        _foreseen[source] = _addressed(source)


def addresses_model(checked: Checked) -> GateFinding | None:
    """Passages of the source that give a model instructions, disguised ones too."""
    found = _foreseen.get(checked.source, UNSEEN)
    return _addressed(checked.source) if found is UNSEEN else found


SPEAKS = "The source speaks to a model"


def _addressed(source: str) -> GateFinding | None:
    raw = source.encode()
    if not source.isascii() and not is_usual(raw):
        return _spoken(source, speaks=True, disguised=True, hidden=True)
    disguises, speaks = remarkable_in(raw), _MAY_ADDRESS.Match(raw)
    if not speaks and not disguises:  # as nearly always
        return None
    kinds = frozenset(disguises or ())
    if speaks or APART in kinds:
        return _spoken(source, speaks=bool(speaks), disguised=True, hidden=HIDDEN in kinds)
    found: list[str] = []
    if kinds - {HIDDEN}:
        # A usual text has no letter beyond ASCII.
        plain, places = with_letters(raw.lower(), mixed=MIXED in kinds)
        found = _meant(plain, places)
    if not found and HIDDEN in kinds:
        found = [*hidden_texts(source)]
    return found_in_answer(ADDRESSES_MODEL, SPEAKS, found)


def _spoken(source: str, *, speaks: bool, disguised: bool, hidden: bool) -> GateFinding | None:
    """What is found in a text in which it may stand plainly, disguised or as Base64."""
    lowered = source.lower()
    found = _passages(lowered) if speaks else []
    if not found and disguised:
        plain, places = undisguised(lowered)
        found = _passages(plain) if places is None else _meant(plain, places)
    if not found and hidden:
        found = [*hidden_texts(source)]
    return found_in_answer(ADDRESSES_MODEL, SPEAKS, found)


def _meant(plain: str, places: list[int]) -> list[str]:
    """What is found around words that were read otherwise than they stand there."""
    found = [*_around(plain, places)]
    # A surrounding's end may cut a word, so that it is found there alone.
    return found if found and _MAY_ADDRESS.Match(plain.encode()) else []


def _passages(lowered: str) -> list[str]:
    """What the patterns find around the hints of a text, and hints that stand backwards."""
    raw = lowered.encode()
    if not _MAY_ADDRESS.Match(raw):
        return []
    found: list[str] = []
    for encoded in dict.fromkeys(_HINTED.findall(raw)):
        hint = encoded.decode()
        found += (hint,) if hint in TURNED else _near(lowered, hint)
        if found:
            break
    return found


def _near(text: str, hint: str) -> Iterator[str]:
    """What the patterns find around a hint."""
    at, end = text.find(hint), 0
    while at >= 0:
        start, end = max(end, at - BEFORE), at + AFTER
        if said := _said(text, start, end):
            yield said
            return
        at = text.find(hint, max(at + 1, end - BEFORE))


def _around(text: str, places: Iterable[int]) -> Iterator[str]:
    """What the patterns find around words that were read otherwise than they stand there."""
    end = 0
    for at in sorted(places):
        if at + BEFORE > end:
            start, end = max(0, at - AFTER), at + AFTER + BEFORE
            if said := _said(text, start, end):
                yield said
                return


def _said(text: str, start: int, end: int) -> str:
    """What the patterns find in a part of a text; blank for nothing."""
    near = text[start:end]
    if _MAY_ADDRESS.Match(near.encode()):
        for may_address, addresses in _kinds():
            if may_address.search(near) and (match := addresses.search(text, start, end)):
                return text[match.start() : match.end() + 40].replace("\n", " ").strip()
    return ""

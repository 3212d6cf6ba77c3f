"""Which beings a rewritten sentence speaks of: all dogs, calm dogs, dogs that he knows.

English, as `gates.wording`, which asks. Linear in the sentences' lengths.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from enrichment.quality.gates.comparison import Passage, is_content, words
from enrichment.quality.gates.contract import Checked
from enrichment.quality.lexicon.editing import ADDED, DROPPED
from enrichment.quality.lexicon.quantities import MONTHS, NUMBER_WORDS, UNIT_OF
from enrichment.quality.lexicon.words import BEINGS
from enrichment.quality.patterns import compiled_later

# What limits a being that stands behind it.
_LIMITS = frozenset(
    """
    calm gentle submissive respectful experienced inexperienced older younger mellow small
    smaller large larger little big bigger tiny young elderly senior teenage teen grown adult
    mature low key laid mannered calmer quieter mellower local savvy knowledgeable active
    energetic confident patient strong dominant known familiar unfamiliar similar opposite quiet
    easygoing novice spayed neutered unneutered intact vaccinated indoor outdoor resident
    friendly balanced stable sturdy school aged time only kind polite tolerant strange nervous
    male female approved qualified fully completely totally
    secure securely fenced enclosed physical privacy tall high solid locked
    """.split()
)
_HERSELF = frozenset("is was am are im i'm he's she's it's be as sweet".split())
_MANY = frozenset("other another any no all with around for and or to of".split())
_ONES = BEINGS | frozenset(
    "family families home homes handler handlers companion companions yard fence fencing".split()
)
_PLURALS = frozenset(
    """
    dogs cats kids children people men women strangers puppies kittens adults owners teens toddlers
    males females animals pets adopters families pups
    """.split()
)
# What is limited by what stands behind it.
_LIMITED = _PLURALS | frozenset("blind deaf allergic lame reactive aggressive".split())
# What limits beings that stand before it.
_BEGINS = frozenset(
    "who that which with without he she they his her their if once on over under smaller larger"
    " bigger older younger outside inside in to toward towards of".split()
)
_ENDS = frozenset("and or but so because as while though although".split())
_PART = compiled_later(r"[^\W_]+(?:'[^\W_]+)*|[.,;:!?()/]")
_LIMITING_OF = frozenset("similar same his her their own opposite equal smaller larger".split())
_FULLY = frozenset("fully completely totally fenced enclosed".split())  # others look after these
_FILLING = ADDED | DROPPED
MAX_LIMIT = 4  # words that may limit a being before it
MAX_BEHIND = 6  # and behind it
MAX_NARROWED = 60  # limits that are looked for, of one sentence


def narrowed(source: Passage, answer: Passage, checked: Checked, typed: AbstractSet[str]) -> str:
    """What limits a being in only one of two texts, in words; blank for nothing.

    An answer may take a limit of the whole source; `typed` are the words that its changed part
    means, however it is typed.
    """
    for passage, said in ((source, "without"), (answer, "with")):
        if _ONES.isdisjoint(passage.words) and _LIMITED.isdisjoint(passage.words):
            continue
        found = _before(passage) if said == "with" else (*_before(passage), *_behind(passage))
        for at, (limit, being) in enumerate(found):
            if at >= MAX_NARROWED:
                break
            if said == "with" and all(word in typed for word in limit):
                continue
            other = answer if said == "without" else checked.source_words
            if not any(_has(other, word) for word in limit):
                return f"{said} “{' '.join(limit)}” of “{being}”"
    return ""


def _has(passage: Passage, word: str) -> bool:
    return passage.has(word) or passage.has_alike(word)


def _before(passage: Passage) -> Iterator[tuple[list[str], str]]:
    """Each word that limits a being behind it, and the being; not what the text's dog is like."""
    told = words(passage.text)
    for at, word in enumerate(told):
        if word not in _ONES or at == 0 or told[at - 1] not in _LIMITS:
            continue
        start = at
        while start and at - start < MAX_LIMIT and (told[start - 1] in _LIMITS):
            start -= 1
        before = told[max(0, start - 2) : start]
        alone = word not in _PLURALS and not _is_of_others(before)
        if not alone:
            yield from (([each], word) for each in told[start:at] if each not in _FULLY)


def _is_of_others(before: Sequence[str]) -> bool:
    return not _MANY.isdisjoint(before) or (
        before[-1:] in (["a"], ["an"]) and _HERSELF.isdisjoint(before)
    )


def _behind(passage: Passage) -> Iterator[tuple[list[str], str]]:
    """What limits several beings, in the words that say something of it."""
    told = _PART.findall(passage.lower)
    for at, word in enumerate(told):
        if word not in _LIMITED or told[at + 1 : at + 2] == [] or told[at + 1] not in _BEGINS:
            continue
        limit = []
        for each in told[at + 1 : at + 1 + MAX_BEHIND]:
            if not each[0].isalnum() or each in _ENDS:
                break
            limit.append(each)
        if limit[:1] == ["of"] and _LIMITING_OF.isdisjoint(limit):
            continue  # “people of all ages”
        told_of = [each for each in limit if is_content(each) and not _says_nothing(each)]
        if told_of:
            yield told_of, word


def _says_nothing(word: str) -> bool:
    """Whether other gates look after a word, or nobody has to."""
    if word.endswith("n't"):
        return True
    return (
        (word in _FILLING and word != "size")
        or word in NUMBER_WORDS
        or word in UNIT_OF
        or word in MONTHS
    )

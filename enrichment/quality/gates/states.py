"""What a rewritten sentence has a dog be: no state from nowhere, and for as long as before.

English, as `gates.wording`, which asks. Linear in the sentences' lengths.
"""

from collections.abc import Set as AbstractSet

from enrichment.quality.gates.comparison import Passage
from enrichment.quality.gates.contract import Checked
from enrichment.quality.patterns import compiled_later

# What a dog may be said to be, and behind it the beginnings of words by which a text says so.
_STATES = tuple(
    (frozenset(states.split()), tuple(beginnings.split()))
    for states, _, beginnings in (
        line.partition(": ")
        for line in """
neutered spayed sterilized sterilised altered castrated fixed desexed: neut nuet nut spay spad steril alter castrat fix desex snip unneut unspay unalter intact
vaccinated immunized immunised inoculated vaccinations vaccines shots utd up_to_date: vac vax shot immun inocul utd up-to-date up_to_date current date booster rabies distemper parvo dhpp da2pp
microchipped chipped microchip: micro chip
dewormed wormed: worm deworm parasit heartworm
housetrained housebroken pottytrained potty_trained house_trained: house potty train broke accident toilet
crate crated cratetrained crate_trained: crat kennel cage
""".strip().splitlines()  # noqa: E501
    )
)
_ALL_STATES = frozenset().union(*(states for states, _ in _STATES))


def state_from_nowhere(new: AbstractSet[str], checked: Checked) -> str:
    """A state such as “neutered” among an answer's new words that the source has in no form.

    Blank for none.
    """
    if _ALL_STATES.isdisjoint(new):
        return ""
    everything = checked.source_words
    for states, beginnings in _STATES:
        for state in sorted(states & new):
            if not (
                any(each.startswith(beginnings) for each in everything.words)
                or everything.has(state)
                or everything.has_alike(state)
            ):
                return f"with “{state.replace('_', ' ')}”"
    return ""


_LASTING = compiled_later(
    r"\b(?:life-?long|permanent(?:ly)?|indefinitely"
    r"|for (?:(?:the )?(?:rest|remainder) of )?(?:(?:his|her|their|its|my) )?(?:(?:whole|entire) )?"
    r"(?:life|lives)"
    r"|forever(?! ?(?:home|famil|person|human|people|friend|love))"
    r"|always (?:needs?|requires?|have to|has to|must|be (?:on|in|under|kept|leashed)|take|wear)"
    r"|(?:must|needs? to|ha(?:s|ve) to|should) always)\b"
)
_LASTS = frozenset(
    "always lifelong life-long life lives lifetime permanent permanently indefinitely forever"
    " ongoing constant constantly never rest every times".split()
)
_MAY_LAST = frozenset(
    "lifelong life permanent permanently indefinitely forever always lives".split()
)
_FOR_NOW = compiled_later(
    r"\bfor (?:a (?:little |short )?(?:while|bit|time)|some time|now|the (?:moment|present)"
    r"|the time being|a few (?:days|weeks|months))\b|\btemporar(?:y|ily)\b|\bshort-term\b"
)
_ONLY_NOW = compiled_later(
    r"\b(?:now|current|currently|while|temporar[a-z]*|until|til|till|moment|present|time|short"
    r"|yet|still|awhile|bit|initial[a-z]*|first|beginning|start|days|weeks|months|recover[a-z]*)\b"
)


def lasts(text: str) -> bool:
    """Whether a text in lower case says of something that it doesn't end."""
    return _LASTING.search(text) is not None


def no_longer_lasting(source: Passage, answer: Passage, before: Passage, after: Passage) -> str:
    """What lasts in a source and doesn't in the answer, or is limited in time there alone.

    `before` and `after` are all that was changed, of which a sentence may take it. Blank for none.
    """
    if not _MAY_LAST.isdisjoint(source.words) and after.words.isdisjoint(_LASTS):
        found = _LASTING.search(source.lower)
        if found is not None:
            return f"without “{found[0]}”"
    limit = _FOR_NOW.search(answer.lower)
    if limit is not None and not _ONLY_NOW.search(before.lower):
        return f"with “{limit[0]}”"
    return ""

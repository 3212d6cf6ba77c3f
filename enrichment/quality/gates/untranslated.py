"""Words of the source that a translation has as they were, told by letters its language lacks."""

from django.utils.translation import gettext_lazy as _

from enrichment.quality.findings import GateFinding, register_code
from enrichment.quality.gates.addresses import addresses_in
from enrichment.quality.gates.contract import Checked, found_in_answer
from enrichment.quality.patterns import compiled_later

UNTRANSLATED = register_code(
    "untranslated", _("Words not translated"), "Translate every word but names."
)
_WORD = compiled_later(r"(?<![^\W\d_])[a-z]{5,40}(?![^\W\d_])")
# What words of these languages nearly never have.
_STRANGE = {
    "es": compiled_later(r"[kw]|sh|th|ck|oo|ee|ph|ss|ff|tt|pp|mm|bb|gg|[ae]y$|[^aeiou]y$|ing$"),
    "pt": compiled_later(r"[kwy]|sh|th|ck|oo|ee|ph|ff|tt|pp|mm|bb|gg|ing$"),
    "it": compiled_later(r"[jkwxy]|sh|th|ck|oo|ee|ph|ing$"),
    "fr": compiled_later(r"[kw]|sh|ck|oo|[^aeiou]y$"),
}
_ANYWHERE = frozenset(
    """
    husky yorkie corgi poodle shepherd whippet hound kelpie pointer shihtzu pitbull microchip
    weekend website facebook whatsapp hobby sandwich yorkshire rottweiler schnauzer cocker chow
    """.split()
)


def untranslated(checked: Checked) -> GateFinding | None:
    """Words in small letters that source and answer share and that the language can't have.

    For Spanish, Portuguese, Italian and French; breeds and addresses are no such words.
    """
    strange = _STRANGE.get(checked.language.partition("-")[0])
    if strange is None or checked.source_language == checked.language:
        return None
    text = checked.text
    for address in addresses_in(text):
        text = text.replace(address, " ")
    source = set(_WORD.findall(checked.source))
    found = [
        word
        for word in dict.fromkeys(_WORD.findall(text))
        if word in source and word not in _ANYWHERE and strange.search(word)
    ]
    return found_in_answer(UNTRANSLATED, "Left as they were", found)

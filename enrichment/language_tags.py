"""BCP 47 language tags: checked, and as names in English."""

import re

from django.conf.locale import LANG_INFO
from django.utils.translation import gettext

from enrichment.errors import BadSelection

# RFC 5646, the parts that are in use: language, script, region, variants.
_BCP47 = re.compile(r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|\d{3}))?(-[a-zA-Z0-9]{4,8})*$")
# ISO 639-1, which RFC 5646 wants wherever a language is in it.
_TWO_LETTERS = frozenset(
    "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da"
    " de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy"
    " hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg"
    " li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or"
    " os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si sk sl sm sn so sq sr ss st su sv sw"
    " ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh"
    " zu".split()
)
# What people write for a language, most of them its country.
_MEANT = {
    "cn": "zh", "cz": "cs", "dk": "da", "gr": "el", "in": "id", "iw": "he", "jp": "ja",
    "me": "sr", "rs": "sr", "sp": "es", "ua": "uk", "us": "en", "vn": "vi",
}  # fmt: skip
# Small models know the name of a language better than its code.
NAMES = {
    **{
        code: told["name"] for code, told in LANG_INFO.items() if "name" in told and "-" not in code
    },
    "no": "Norwegian",
    "zh": "Chinese",
}


def checked_language(code: str, *, field: str = "target_language") -> str:
    """A BCP 47 tag as it is; raises BadSelection that names the field."""
    base = code.partition("-")[0]
    if not _BCP47.match(code) or (len(base) == 2 and base not in _TWO_LETTERS):
        said = gettext(
            "{field}: {code!r} is no BCP 47 language tag such as es, pt-BR or zh-Hant."
        ).format(field=field, code=code)
        if base in _MEANT:
            said += " " + gettext("Did you mean {name}?").format(name=_MEANT[base])
        raise BadSelection(said, field=field)
    return code


def language_name(code: str) -> str:
    """The language in English, with its tag where that says more."""
    base = NAMES.get(code.partition("-")[0])
    if base is None:
        return code
    return base if "-" not in code else f"{base} ({code})"

"""BCP 47 language tags: checked, and as names in English."""

import re

from enrichment.errors import BadSelection

# RFC 5646, the parts that are in use: language, script, region, variants.
_BCP47 = re.compile(r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|\d{3}))?(-[a-zA-Z0-9]{4,8})*$")
# Small models know the name of a language better than its code.
NAMES = {
    "ar": "Arabic", "bg": "Bulgarian", "cs": "Czech", "da": "Danish", "de": "German",
    "el": "Greek", "en": "English", "es": "Spanish", "fi": "Finnish", "fr": "French",
    "he": "Hebrew", "hi": "Hindi", "hr": "Croatian", "hu": "Hungarian", "it": "Italian",
    "ja": "Japanese", "ko": "Korean", "nl": "Dutch", "no": "Norwegian", "pl": "Polish",
    "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sk": "Slovak", "sl": "Slovenian",
    "sr": "Serbian", "sv": "Swedish", "tr": "Turkish", "uk": "Ukrainian", "vi": "Vietnamese",
    "zh": "Chinese",
}  # fmt: skip


def checked_language(code: str, *, field: str = "target_language") -> str:
    """A BCP 47 tag as it is; raises BadSelection that names the field."""
    if not _BCP47.match(code):
        raise BadSelection(
            f"{field}: {code!r} is no BCP 47 language tag such as es, pt-BR or zh-Hant.",
            field=field,
        )
    return code


def language_name(code: str) -> str:
    """The language in English, with its tag where that says more."""
    base = NAMES.get(code.partition("-")[0])
    if base is None:
        return code
    return base if "-" not in code else f"{base} ({code})"

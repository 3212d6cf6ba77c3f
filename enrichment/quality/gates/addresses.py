"""E-mail and web addresses from nowhere, also in texts without spaces."""

import re
from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from enrichment.quality.findings import GateFinding, register_code
from enrichment.quality.gates.contract import Checked, found_in_answer, of_changes
from enrichment.quality.patterns import compiled_later

UNKNOWN_ADDRESSES = register_code(
    "unknown_addresses",
    _("Unknown addresses"),
    "Give no e-mail or web address that isn't in the text.",
)

# Letters of words with spaces between them: Chinese, Japanese and Korean go on without any.
_LETTER = "A-Za-z0-9À-ÖØ-öø-ɏ"
_LOCAL = f"{_LETTER}_.+%-"
# Each begins with its first letter and looks back from there: so no word is tried twice, however
# long it is, and the search skips to where one can begin.
_EMAIL = compiled_later(
    rf"[{_LOCAL}](?<![{_LOCAL}].)[{_LOCAL}]{{0,63}}+@[{_LETTER}-]{{1,63}}(?:\.[{_LETTER}-]{{1,63}}){{1,8}}"
)
_URL = compiled_later(r"(?:https?://|www\.)[!#-&(-;=?-Z\[\\^-~]{1,2000}", re.IGNORECASE)
_DOMAIN = compiled_later(
    rf"[{_LETTER}-](?<![{_LETTER}_.@-].)[{_LETTER}-]{{0,62}}+"
    r"\.(?:com|org|net|de|uk|info|io|us|ca|eu|fr|es|it|at|ch|nl|pt|pl|jp|cn|kr|edu|gov)"
    rf"(?![{_LETTER}_-])",
    re.IGNORECASE,
)


def addresses_in(text: str) -> Iterator[str]:
    """The addresses in a text, as they stand there."""
    if "@" in text:
        for found in _EMAIL.finditer(text):
            yield found[0]
    if "://" in text or "www." in text or "WWW." in text:
        for found in _URL.finditer(text):
            yield found[0]
    for found in _DOMAIN.finditer(text):
        yield found[0]


@of_changes
def unknown_addresses(checked: Checked) -> GateFinding | None:
    """E-mail and web addresses that the source doesn't have."""
    added = checked.changes.added_text
    if "." not in added:
        return None
    found = [each.rstrip(".,;:!?/)]}'\"") for each in addresses_in(added)]
    unknown = [each for each in found if each.lower() not in checked.source_lower]
    return found_in_answer(UNKNOWN_ADDRESSES, "Addresses that the source doesn't have", unknown)

"""ETag and If-Match: which state of a row was read, and whether it is still that one."""

import re

from django.db.models import Q
from django.utils.translation import gettext

from llmconfig.api.kit.errors import ChangedSince
from llmconfig.configuration.edits import changes_since, in_words, version

# A proxy that compresses an answer makes its tag weak; the revision in it stays as good.
TAG = re.compile(r'(?:W/)?"(\d{1,18})"')


def etag(traces: Q) -> str:
    """The tag of what left these traces: its newest revision."""
    return f'"{version(traces)}"'


def require_match(header: str | None, traces: Q) -> None:
    """Raises ChangedSince unless If-Match is missing, `*`, or holds the present tag."""
    if header is None or header.strip() == "*":
        return
    present = version(traces)
    named = [int(number) for number in TAG.findall(header)]
    if present in named:
        return
    since = changes_since(max(named), traces) if named else []
    if not since:
        raise ChangedSince(
            gettext(
                'If-Match names no version that this had last; it is at "{present}". Nothing '
                "of yours was written: read it again."
            ).format(present=present)
        )
    raise ChangedSince(
        gettext(
            "{in_words}. Nothing of yours was written: read it again, then repeat what you "
            "still want."
        ).format(in_words=in_words(since))
    )

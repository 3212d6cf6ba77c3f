"""Features in the making, which a client asks for by a header: handed on to its own vendor."""

import re
from collections.abc import Iterable

ANTHROPIC, OPENAI = b"anthropic-beta", b"openai-beta"
_LIST = re.compile(r"[A-Za-z0-9_.,=\- ]{1,2000}")


def asked_for(header: bytes, headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The header to hand on, blank if there is none; what is no list of names is left out."""
    wanted = ",".join([value.decode("latin-1") for name, value in headers if name == header])
    return {header.decode(): wanted} if _LIST.fullmatch(wanted) else {}

"""Which secrets references may read: what LLM_SECRET_REFERENCES names, and nothing else.

A reference is typed by a person and its value goes out as a key. Without a list of what is a key,
whoever may write one could have any secret of the machine sent to an address of their choice.
"""

import os
import re
from pathlib import Path

from django.utils.translation import gettext

from llmconfig import project_settings, provider_types
from llmconfig.errors import ChangeRefused, SecretUnreadable

SETTING = "LLM_SECRET_REFERENCES"
FORM = re.compile(
    r"env:[A-Za-z_][A-Za-z0-9_]*|file:/[^\x00-\x1f]+|aws-sm:[A-Za-z0-9/_+=.@:-]+(?:#[A-Za-z0-9_.-]+)?"
)
# What opens this installation itself is no key of a provider, whatever the setting allows.
OWN_VARIABLES = re.compile(
    r"env:(DJANGO_.*|DATABASE_.*|REDIS_.*|EMAIL_.*|AWS_.*|LLM_(FIELD|LEGACY|TRACING)_.*)",
    re.IGNORECASE,
)
OWN_FILES = re.compile(r"(DJANGO|DATABASE|REDIS|EMAIL|AWS|LLM_(FIELD|LEGACY|TRACING))_.*_FILE")
MAX_FILE_BYTES = 65_536


def check(secret_ref: str) -> None:
    """Blank, or a reference of one of the three forms that may be read; raises ChangeRefused."""
    if not secret_ref:
        return
    if not FORM.fullmatch(secret_ref):
        raise ChangeRefused(
            gettext(
                "Write env:VARIABLE, file:/absolute/path or aws-sm:name. A key itself goes "
                "into the field “API key”."
            ),
            field="secret_ref",
        )
    why = objection(secret_ref)
    if why:
        raise ChangeRefused(why, field="secret_ref")


def objection(secret_ref: str) -> str:
    """Why a well-formed reference may not be read, with the way out; blank when it may."""
    if OWN_VARIABLES.fullmatch(secret_ref) or _is_own_file(secret_ref):
        return "This is a secret of the installation itself; it is no provider's key."
    if any(pattern.fullmatch(secret_ref) for pattern in _patterns()):
        return ""
    return (
        f"{secret_ref} may not be read: allowed are {', '.join(allowed())}. Whoever runs the"
        f" servers can add to {SETTING}, for web and workers."
    )


def allowed() -> list[str]:
    """What references may read: the provider types' own variables, then what the setting names."""
    variables = {each.key_variable for each in provider_types.known() if each.key_variable}
    return [*(f"env:{each}" for each in sorted(variables)), *project_settings.secret_references()]


def read_file(path: str) -> str:
    """The text of a referenced file; links in it may not lead to what has no reference of its own.

    Raises OSError or ValueError when it can't be read, SecretUnreadable when it may not be.
    """
    found = Path(path).resolve(strict=True)
    # Mounted secrets are links within their folder, such as ..data/openai.
    if not found.is_relative_to(Path(path).parent.resolve()):
        why = objection(f"file:{found}")
        if why:
            raise SecretUnreadable(f"file:{path} is a link: {why}")
    if not found.is_file() or found.stat().st_size > MAX_FILE_BYTES:
        raise ValueError(path)
    return found.read_text(encoding="utf-8")


def _is_own_file(secret_ref: str) -> bool:
    """Whether one of this installation's own variables reads that file."""
    scheme, _, path = secret_ref.partition(":")
    if scheme != "file":
        return False
    mine = [value for name, value in os.environ.items() if OWN_FILES.fullmatch(name) and value]
    return os.path.realpath(path) in {os.path.realpath(each) for each in mine}


def _patterns() -> list[re.Pattern[str]]:
    """`*` stands for letters, digits and more in one name; in a path it passes no slash."""
    return [_pattern(each) for each in allowed()]


def _pattern(entry: str) -> re.Pattern[str]:
    part = ".*" if entry.startswith("aws-sm:") else r"(?!\.\.?(?:/|\Z))[^/]*"
    return re.compile(part.join(re.escape(each) for each in entry.split("*")), re.DOTALL)

"""The environment variables that a command gets, and the keys among them that are kept."""

import base64
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from project.embedded.errors import NotStarted
from project.embedded.state import write_private

VARIABLES = frozenset(
    {
        "DATABASE_URL",
        "REDIS_URL",
        "LLM_LOCAL_URL",
        "LLM_LOCAL_API_KEY",
        "LLM_LOCAL_MODEL",
        "LLM_LOCAL_MODEL_LABEL",
        "ENVIRONMENT",
        "DJANGO_SECRET_KEY",
        "LLM_FIELD_KEYS",
    }
)
_MAKERS: Mapping[str, Callable[[], str]] = {
    "DJANGO_SECRET_KEY": lambda: secrets.token_urlsafe(50),
    # A Fernet key. It must survive as long as the rows that it encrypts.
    "LLM_FIELD_KEYS": lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
}


def settings_variables(environment: Mapping[str, str], directory: Path | None) -> dict[str, str]:
    """What settings.py demands and `environment` lacks: keys, and that this is no production.

    The keys are kept in `directory`, or made for this run alone if that is None. Raises
    NotStarted if they can't be read or written.
    """
    variables = {
        name: _kept(directory / name.lower(), make) if directory else make()
        for name, make in _MAKERS.items()
        if not environment.get(name) and not environment.get(f"{name}_FILE")
    }
    if not environment.get("ENVIRONMENT"):
        variables["ENVIRONMENT"] = "development"
    return variables


def _kept(path: Path, make: Callable[[], str]) -> str:
    try:
        if not path.exists():
            write_private(path, make())
        return path.read_text()
    except OSError as error:
        raise NotStarted(f"The key in {path} can't be kept: {error.strerror}.") from error

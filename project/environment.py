"""Reads the environment once, and refuses nonsense by the name of the variable."""

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from llmconfig.configuration.process_settings import number, switch

env = environ.Env()
MAIL_SCHEMES = ("smtp", "smtp+tls", "smtp+ssl", "consolemail", "filemail")


def text_or_file(name: str, default: str = "") -> str:
    """The variable, or the content of the file that `<name>_FILE` points to (a mounted secret).

    Raises ImproperlyConfigured when both are set or the file can't be read.
    """
    path = os.environ.get(f"{name}_FILE", "")
    if not path:
        return os.environ.get(name, default)
    if os.environ.get(name):
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set: keep one of them.")
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE: can't read {path}: {error.strerror}.") from error


def boolean(name: str, *, default: bool) -> bool:
    """A switch from the environment; raises ImproperlyConfigured naming it."""
    raw = os.environ.get(name, "").strip()
    return switch(name, raw) if raw else default


def whole_number(name: str, *, default: int, least: int) -> int:
    """A count from the environment, at least `least`; raises ImproperlyConfigured naming it."""
    raw = os.environ.get(name, "").strip()
    return number(name, raw, int, least) if raw else default


def words(name: str, default: str = "") -> list[str]:
    """The entries of a comma-separated list, without blank ones."""
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def known_words(name: str, known: Collection[str]) -> list[str]:
    """A comma-separated list of some of `known`; raises ImproperlyConfigured naming another."""
    found = words(name)
    for word in found:
        if word not in known:
            raise ImproperlyConfigured(f"{name}: {word!r} is none of {', '.join(known)}.")
    return found


def mail_server(url: str) -> dict[str, Any]:
    """Django's settings for a server such as `smtp+tls://user:password@host:587`; none for blank.

    Raises ImproperlyConfigured.
    """
    if not url:
        return {}
    scheme = url.partition("://")[0]
    if scheme not in MAIL_SCHEMES:
        raise ImproperlyConfigured(
            f"EMAIL_URL: {scheme[:20]!r} is none of {', '.join(MAIL_SCHEMES)}."
        )
    found = environ.Env.email_url_config(url)
    return {name: value for name, value in found.items() if name.startswith("EMAIL_")}

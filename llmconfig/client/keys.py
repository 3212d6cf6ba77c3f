"""A provider's key, from its encrypted column or from where its reference points."""

import os
from pathlib import Path

from llmconfig import secrets
from llmconfig.client import secrets_manager
from llmconfig.errors import SecretUnreadable
from llmconfig.models.providers import KEYLESS_TYPES
from llmconfig.secrets import Secret
from llmconfig.snapshot import ProviderFacts


def read(provider: ProviderFacts) -> Secret | None:
    """The key to send, None for a server that needs none.

    Raises SecretUnreadable, which names the provider and the way out and holds no part of a key.
    Nothing but the provider's own column or reference is ever looked at.
    """
    if provider.secret_ref:
        return _sendable(Secret(_referenced(provider).strip()), provider)
    if provider.api_key:
        return _sendable(secrets.decrypt(provider.api_key, place=provider.key_place), provider)
    if provider.provider_type in KEYLESS_TYPES:
        return None
    raise SecretUnreadable(
        f"{provider.name} has no key: enter one, or give a secret reference such as"
        " env:OPENAI_API_KEY."
    )


def _referenced(provider: ProviderFacts) -> str:
    if secrets_manager.is_elsewhere(provider.secret_ref):
        return _from_secrets_manager(provider)
    scheme, _, where = provider.secret_ref.partition(":")
    if scheme == "env":
        value = os.environ.get(where, "")
        if not value:
            raise SecretUnreadable(
                f"{provider.name}: its key is referenced as {provider.secret_ref}, but that"
                " variable is not set in this process."
            )
        return value
    if scheme == "file":
        return _from_file(provider, where)
    raise SecretUnreadable(
        f"{provider.name}: the secret reference {provider.secret_ref!r} starts with none of env:,"
        " file: and aws-sm:."
    )


def _from_secrets_manager(provider: ProviderFacts) -> str:
    try:
        return secrets_manager.read(provider.secret_ref).reveal()
    except SecretUnreadable as error:
        raise SecretUnreadable(f"{provider.name}: {error}") from None


def _from_file(provider: ProviderFacts, where: str) -> str:
    try:
        return Path(where).read_text(encoding="utf-8")
    except OSError as error:
        why = error.strerror or "unreadable"
    except ValueError:
        why = "not text"
    raise SecretUnreadable(f"{provider.name}: {provider.secret_ref} can't be read ({why}).")


def _sendable(key: Secret, provider: ProviderFacts) -> Secret:
    """A key that may stand in a header: a line break in it could forge another one."""
    value = key.reveal()
    if not value:
        raise SecretUnreadable(f"{provider.name}: its key is blank.")
    if not value.isascii() or not value.isprintable() or " " in value:
        raise SecretUnreadable(
            f"{provider.name}: its key holds a space, a line break or a character that no key has;"
            " enter it again."
        )
    return key

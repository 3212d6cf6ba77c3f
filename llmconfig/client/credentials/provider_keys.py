"""A provider's key, from its encrypted column or from where its reference points."""

import os

from llmconfig import provider_types, secrets
from llmconfig.client.credentials import secrets_manager
from llmconfig.configuration import secret_references
from llmconfig.configuration.facts import ProviderFacts
from llmconfig.configuration.secret_references import FORM
from llmconfig.errors import SecretUnreadable
from llmconfig.secrets import Secret


def read(provider: ProviderFacts) -> Secret | None:
    """The key to send, None for a server that needs none.

    Raises SecretUnreadable, which names the provider and the way out and holds no part of a key.
    Nothing but the provider's own column or reference is ever looked at.
    """
    if provider.secret_ref:
        return referenced(provider.secret_ref, owner=provider.name)
    if provider.api_key:
        key = secrets.decrypt(provider.api_key, place=provider.key_place)
        return _sendable(key, provider.name)
    if not provider_types.get(provider.provider_type).needs_key:
        return None
    raise SecretUnreadable(
        f"{provider.name} has no key: enter one, or give a secret reference such as"
        " env:OPENAI_API_KEY."
    )


def referenced(secret_ref: str, *, owner: str) -> Secret:
    """What a secret reference points at; `owner` is named in errors. Blocks while it asks AWS.

    Raises SecretUnreadable.
    """
    if FORM.fullmatch(secret_ref):
        why = secret_references.objection(secret_ref)
        if why:
            raise SecretUnreadable(f"{owner}: {why}")
    return _sendable(Secret(_looked_up(secret_ref, owner).strip()), owner)


def _looked_up(secret_ref: str, owner: str) -> str:
    if secrets_manager.is_elsewhere(secret_ref):
        return _from_secrets_manager(secret_ref, owner)
    scheme, _, where = secret_ref.partition(":")
    if scheme == "env":
        value = os.environ.get(where, "")
        if not value:
            raise SecretUnreadable(
                f"{owner}: its key is referenced as {secret_ref}, but that variable is not set in"
                " this process."
            )
        return value
    if scheme == "file":
        return _from_file(secret_ref, where, owner)
    raise SecretUnreadable(
        f"{owner}: the secret reference {secret_ref!r} starts with none of env:, file: and aws-sm:."
    )


def _from_secrets_manager(secret_ref: str, owner: str) -> str:
    try:
        return secrets_manager.read(secret_ref).reveal()
    except SecretUnreadable as error:
        raise SecretUnreadable(f"{owner}: {error}") from None


def _from_file(secret_ref: str, where: str, owner: str) -> str:
    try:
        return secret_references.read_file(where)
    except SecretUnreadable as error:
        raise SecretUnreadable(f"{owner}: {error}") from None
    except OSError as error:
        why = error.strerror or "unreadable"
    except ValueError:
        why = "no short text"
    raise SecretUnreadable(f"{owner}: {secret_ref} can't be read ({why}).")


def _sendable(key: Secret, owner: str) -> Secret:
    """A key that may stand in a header: a line break in it could forge another one."""
    value = key.reveal()
    if not value:
        raise SecretUnreadable(f"{owner}: its key is blank.")
    if not secrets.fits_a_header(value):
        raise SecretUnreadable(
            f"{owner}: its key holds a space, a line break or a character that no key has;"
            " enter it again."
        )
    return key

"""Provider keys at rest: encrypted with Fernet, bound to their row, never shown.

Stored form: `v1:<key id>:<token>`. The token's payload starts with the place it belongs to, so a
ciphertext that is copied to another row doesn't decrypt there (Fernet has no associated data).
"""

import base64
import binascii
import hashlib
import hmac
from functools import lru_cache
from typing import NoReturn

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.core.exceptions import ImproperlyConfigured
from msgspec import Struct

from llmconfig import project_settings
from llmconfig.errors import ChangeRefused, SecretUnreadable

MASK = "••••••••"
PREFIX = "v1"
SEPARATOR = "\x00"
NO_KEY = (
    "LLM_FIELD_KEYS is not set: provider keys can't be stored. `manage.py generate_field_key` makes"
    " one; put it into the settings."
)


def fits_a_header(key: str) -> bool:
    """Whether a key may be sent: ASCII without spaces or line breaks, which could forge one."""
    return key.isascii() and key.isprintable() and " " not in key


class Secret:
    """A value that can't be printed, compared, iterated, pickled or serialised by accident."""

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """The value itself; only the client calls this, just before it sends it."""
        return self.__value

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __bool__(self) -> bool:
        return bool(self.__value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("A Secret can't be pickled or copied.")


class Keyring(Struct, frozen=True):
    """The field keys, newest first; the first one encrypts."""

    fernets: tuple[tuple[str, Fernet], ...]
    legacy: tuple[Fernet, ...]
    pepper: bytes

    @property
    def ids(self) -> tuple[str, ...]:
        """Which field keys there are, by the names that stored forms carry, newest first."""
        return tuple(used_id for used_id, _ in self.fernets)

    @property
    def primary_id(self) -> str:
        """Identifies the key that encrypts; the stored form carries it.

        Raises ImproperlyConfigured where a developer's project has none.
        """
        if not self.fernets:
            raise ImproperlyConfigured(NO_KEY)
        return self.fernets[0][0]


def key_id(key: str) -> str:
    """Eight hex digits that name a field key without giving it away."""
    return hashlib.sha256(b"nodewise-key-id" + key.encode()).hexdigest()[:8]


def build_keyring(keys: tuple[str, ...], legacy: tuple[str, ...] = ()) -> Keyring:
    """Check the keys of settings; raises ImproperlyConfigured, which never quotes a key."""
    if not keys:
        raise ImproperlyConfigured(NO_KEY)
    fernets = []
    for position, key in enumerate(keys, start=1):
        try:
            fernets.append((key_id(key), Fernet(key)))
        except (ValueError, binascii.Error) as error:
            raise ImproperlyConfigured(
                f"LLM_FIELD_KEYS: key {position} is not 32 url-safe base64-encoded bytes."
            ) from error
    return Keyring(
        fernets=tuple(fernets),
        legacy=tuple(legacy_fernet(key) for key in legacy),
        pepper=hashlib.sha256(b"nodewise-fingerprint" + keys[-1].encode()).digest(),
    )


def legacy_fernet(key: str) -> Fernet:
    """The Fernet that django-fernet-fields derived from a settings key (its salt and info)."""
    derived = HKDF(
        algorithm=hashes.SHA256(),
        length=32,
        salt=b"django-fernet-fields-hkdf-salt",
        info=b"django-fernet-fields",
    ).derive(key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))


@lru_cache(maxsize=4)
def _cached_keyring(keys: tuple[str, ...], legacy: tuple[str, ...]) -> Keyring:
    return build_keyring(keys, legacy)


def keyring() -> Keyring:
    """The keyring of the current settings; an empty one only while DEBUG is on.

    Raises ImproperlyConfigured for a missing or damaged field key.
    """
    if not project_settings.field_keys() and project_settings.debugging():
        return Keyring((), (), b"")
    return _cached_keyring(project_settings.field_keys(), project_settings.legacy_field_keys())


def encrypt(secret: Secret, *, place: str) -> str:
    """The stored form of a secret; `place` is `table.column.row` and is checked on reading.

    Raises ChangeRefused without a field key: nothing is ever stored in clear.
    """
    check_storable()
    ring = keyring()
    payload = f"{place}{SEPARATOR}{secret.reveal()}".encode()
    return f"{PREFIX}:{ring.primary_id}:{ring.fernets[0][1].encrypt(payload).decode()}"


def check_storable() -> None:
    """Raises ChangeRefused while there is no field key to encrypt with."""
    if not keyring().fernets:
        raise ChangeRefused(NO_KEY, field="api_key")


def decrypt(stored: str, *, place: str) -> Secret:
    """Read a stored form back; raises SecretUnreadable rather than ever returning ciphertext."""
    prefix, _, rest = stored.partition(":")
    if prefix != PREFIX:
        return _decrypt_legacy(stored)
    used_id, _, token = rest.partition(":")
    fernet = dict(keyring().fernets).get(used_id)
    if fernet is None:
        raise SecretUnreadable(
            f"{place}: its field key {used_id} is not in this process's LLM_FIELD_KEYS. If it was"
            " just put there, restart the process; if it was removed, put it back, or enter the"
            " key again."
        )
    try:
        payload = fernet.decrypt(token.encode()).decode()
    except (InvalidToken, UnicodeError) as error:
        raise SecretUnreadable(f"{place}: the stored key is damaged; enter it again.") from error
    bound_to, _, value = payload.partition(SEPARATOR)
    if not hmac.compare_digest(bound_to.encode(), place.encode()):
        raise SecretUnreadable(f"{place}: the stored key belongs to another row; enter it again.")
    return Secret(value)


def _decrypt_legacy(stored: str) -> Secret:
    for fernet in keyring().legacy:
        try:
            return Secret(fernet.decrypt(stored.encode()).decode())
        except (InvalidToken, UnicodeError):
            continue
    raise SecretUnreadable(
        "The stored key is neither ours nor readable with LLM_LEGACY_FERNET_KEYS; enter it again."
    )


def fingerprint(secret: Secret) -> str:
    """Tells whether two keys are the same without storing either: a keyed hash, 16 hex digits."""
    return hmac.new(keyring().pepper, secret.reveal().encode(), hashlib.sha256).hexdigest()[:16]


def last_four(secret: Secret) -> str:
    """The end of a key, for people to recognise it; blank for keys too short to show any."""
    value = secret.reveal()
    return value[-4:] if len(value) >= 16 else ""

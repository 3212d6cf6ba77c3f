"""The rules for a provider's row, for every surface that writes one.

A stored key or reference belongs to the scheme, host and port that it was entered for. Whoever
could move a row to another host and keep the key would have it sent to a stranger.
"""

from urllib.parse import SplitResult, urlsplit

from django.utils.translation import gettext

from llmconfig import provider_types
from llmconfig.errors import ChangeRefused
from llmconfig.models import Provider
from llmconfig.secrets import fits_a_header

DEFAULT_PORTS = {"http": 80, "https": 443}


def origin(provider_type: str, api_base_url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port that requests go to; a blank address is the vendor's own.

    Raises ChangeRefused when the address can't be read.
    """
    parts = _split(api_base_url or provider_types.get(provider_type).base_url)
    port = parts.port or DEFAULT_PORTS.get(parts.scheme)
    return parts.scheme, (parts.hostname or "").rstrip("."), port


def _split(address: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        _ = parts.port  # only reading it checks it
    except ValueError as error:
        raise ChangeRefused(gettext("This is not an address."), field="api_base_url") from error
    return parts


def check_base_url(provider_type: str, api_base_url: str) -> None:
    """An http(s) address without user, query or fragment; raises ChangeRefused."""
    if not api_base_url:
        kind = provider_types.get(provider_type)
        if kind.needs_address:
            raise ChangeRefused(
                gettext(
                    "{label} has no address of its own: enter the base URL, such as "
                    "https://models.example.com/v1."
                ).format(label=kind.label),
                field="api_base_url",
            )
        return
    parts = _split(api_base_url)
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise ChangeRefused(
            gettext("Start with http:// or https:// and a host."), field="api_base_url"
        )
    if parts.username or parts.password or parts.query or parts.fragment or "\\" in api_base_url:
        raise ChangeRefused(
            gettext(
                "Leave out user name, password, query and fragment; the key has its own field."
            ),
            field="api_base_url",
        )


def check_key(key: str) -> None:
    """A key that a header can carry; raises ChangeRefused, which repeats none of it."""
    if not fits_a_header(key):
        raise ChangeRefused(
            gettext("No key holds a space, a line break or a character beyond ASCII."),
            field="api_key",
        )


def check_one_key_source(*, has_key: bool, secret_ref: str) -> None:
    """A key or a reference, not both; raises ChangeRefused."""
    if has_key and secret_ref:
        raise ChangeRefused(
            gettext(
                "Give a key or a secret reference, not both: leave one blank or remove the "
                "stored key."
            ),
            field="secret_ref",
        )


def goes_elsewhere(before: tuple[str, str], after: tuple[str, str]) -> bool:
    """Whether requests would go to another server, or be of another type.

    Each side is (provider type, base URL). Raises ChangeRefused when an address can't be read.
    """
    return before[0] != after[0] or origin(*before) != origin(*after)


def refuse_key_for_new_host(
    stored: Provider,
    *,
    provider_type: str,
    api_base_url: str,
    key_given: bool,
    reference_given: bool,
) -> None:
    """Refuse to keep a stored key or reference when it would go elsewhere.

    `stored` is the row as it is. Raises ChangeRefused on the field `api_key` or `secret_ref` unless
    that was given again or removed.
    """
    field = ""
    if stored.api_key and not key_given:
        field = "api_key"
    elif stored.secret_ref and not reference_given:
        field = "secret_ref"
    if not field:
        return
    if goes_elsewhere((stored.provider_type, stored.api_base_url), (provider_type, api_base_url)):
        said = (
            gettext(
                "The type, scheme, host or port changes, so the stored key would go to another"
                " server: enter the key again, or remove it."
            )
            if field == "api_key"
            else gettext(
                "The type, scheme, host or port changes, so the secret that the reference points"
                " at would go to another server: enter the reference again, or remove it."
            )
        )
        raise ChangeRefused(said, field=field)

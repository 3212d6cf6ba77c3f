"""One message over each channel; addresses are checked when they are connected to.

Webhooks are signed as Standard Webhooks 1.0 says (standardwebhooks.com), so that receivers can use
its libraries: HMAC-SHA256 over `id.timestamp.body`, in base64, by the bytes that the secret holds.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping

from django.core.mail import EmailMessage, get_connection
from yarl import URL

from llmconfig.client.credentials.redaction import Scrubber
from llmconfig.client.http import egress, transport
from llmconfig.client.http.transport import RequestFailed
from llmconfig.errors import SecretUnreadable
from llmconfig.secrets import Secret
from metrics.models import AlertChannel, AlertDelivery, AlertRule

SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix that the standard gives secrets
MIN_SECRET_BYTES, MAX_SECRET_BYTES = 24, 64


class NotDelivered(Exception):
    """An attempt that failed; its text holds no secret."""


def secret_bytes(secret: Secret) -> bytes:
    """What signs, of a secret `whsec_<base64>`; raises ValueError that quotes nothing of it."""
    try:
        key = base64.b64decode(secret.reveal().removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not MIN_SECRET_BYTES <= len(key) <= MAX_SECRET_BYTES:
        raise ValueError(
            f"Enter {MIN_SECRET_BYTES} to {MAX_SECRET_BYTES} random bytes in base64, such as"
            f" `openssl rand -base64 32` makes, with or without {SECRET_PREFIX} before them."
        )
    return key


def addresses(rule: AlertRule) -> list[str]:
    """The addresses that get a rule's mail."""
    return [each for each in rule.recipients.replace(",", " ").split() if each]


async def send(delivery: AlertDelivery, *, timeout_s: float) -> None:
    """Try once to bring a message to its receiver, in `timeout_s` seconds; raises NotDelivered."""
    rule = delivery.rule
    try:
        secret = rule.read_secret()
    except SecretUnreadable as error:
        raise NotDelivered(str(error)) from error
    if rule.channel == AlertChannel.EMAIL:
        await asyncio.to_thread(_mail, delivery, timeout_s)
    elif rule.channel == AlertChannel.WEBHOOK:
        body = json.dumps(content(delivery)).encode()
        headers = _signed(delivery, body, secret)
        await _post(rule.webhook_url, headers, body, secret, timeout_s)
    else:
        words = {"text": f"*{_plain(delivery.title)}*\n{_plain(delivery.text)}"}
        address = secret.reveal() if secret is not None else ""
        await _post(address, {}, json.dumps(words).encode(), secret, timeout_s)


def content(delivery: AlertDelivery) -> dict[str, object]:
    """What a webhook gets: what happened to what, in words, and which rule told."""
    return {
        "type": f"nodewise.{delivery.event}",
        "timestamp": delivery.created_at.isoformat(),
        "data": {
            "rule": delivery.rule.name,
            "subject": delivery.subject,
            "level": delivery.level,
            "title": delivery.title,
            "text": delivery.text,
            "is_test": delivery.is_test,
        },
    }


def _signed(delivery: AlertDelivery, body: bytes, secret: Secret | None) -> dict[str, str]:
    """The standard's headers. The id stays over all attempts: receivers tell repeats by it."""
    if secret is None:
        raise NotDelivered("The rule has no signing secret.")
    try:
        key = secret_bytes(secret)
    except ValueError as error:
        raise NotDelivered(f"The rule's signing secret can't sign. {error}") from None
    moment = str(int(time.time()))
    signed = f"{delivery.pk}.{moment}.".encode() + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return {
        "webhook-id": str(delivery.pk),
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


async def _post(
    address: str, headers: Mapping[str, str], body: bytes, secret: Secret | None, timeout_s: float
) -> None:
    try:
        url = URL(address)
        reply = await transport.post(
            url,
            headers={**headers, "Content-Type": "application/json", "Accept": "*/*"},
            body=body,
            timeout_s=timeout_s,
            private=egress.is_allowed_name(url),
        )
    except RequestFailed as failure:
        why = failure.detail.replace("one for this provider", "one that alerts may go to")
        raise NotDelivered(why) from None  # it names host and port alone
    except ValueError:
        raise NotDelivered("The rule's address is not one.") from None
    if not 200 <= reply.status < 300:
        said = reply.body[:500].decode("utf-8", "replace")
        raise NotDelivered(Scrubber(secret).clean(f"HTTP {reply.status}. {said}"))


def _mail(delivery: AlertDelivery, timeout_s: float) -> None:
    connection = get_connection(timeout=timeout_s)
    message = EmailMessage(
        subject=f"[Nodewise] {delivery.title}".replace("\n", " "),
        body=f"{delivery.text}\n\nTold by the alert rule “{delivery.rule.name}”.",
        to=addresses(delivery.rule),
        headers={"Message-ID": f"<{delivery.pk}@nodewise>"},
        connection=connection,
    )
    try:
        message.send()
    except Exception as error:  # whatever the backend's library raises
        said = f"{type(error).__name__}: {error}"
        raise NotDelivered(Scrubber(None).clean(said)) from error


def _plain(text: str) -> str:
    """Slack reads three characters as markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

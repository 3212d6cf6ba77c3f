"""Keys that stay in AWS Secrets Manager: `aws-sm:path`, or `aws-sm:path#key` in a JSON secret.

They are kept in memory for five minutes and asked for anew when a provider refuses one. Account,
region and credentials are AWS's own settings (AWS_DEFAULT_REGION, a role, …). Needs the extra
`aws`, whose import takes 0.3 s, so it comes with the first such key.
"""

import importlib
import json
import logging
import os
import threading
import time
from typing import Any

from msgspec import Struct

from llmconfig.errors import SecretUnreadable
from llmconfig.secrets import Secret

logger = logging.getLogger(__name__)

SCHEME = "aws-sm:"
KEPT_SECONDS = 300.0
# A new try this soon while AWS doesn't answer; the key in hand serves until then.
AGAIN_SECONDS = 30.0
CONNECT_SECONDS, READ_SECONDS = 3, 5


class _Held(Struct):
    key: Secret
    stale_at: float


_held: dict[str, _Held] = {}
_lock = threading.Lock()


def is_elsewhere(reference: str) -> bool:
    """Whether a secret reference points at AWS."""
    return reference.startswith(SCHEME)


def needs_fetching(reference: str) -> bool:
    """Whether `read` would have to ask AWS; always False for other references."""
    if not is_elsewhere(reference):
        return False
    held = _held.get(reference)
    return held is None or time.monotonic() >= held.stale_at


def read(reference: str) -> Secret:
    """The key, from memory if it was asked for lately; blocks while it asks AWS.

    Raises SecretUnreadable, which holds no part of the secret. A key in hand outlives an AWS that
    doesn't answer.
    """
    with _lock:
        held = _held.get(reference)
        if held is not None and time.monotonic() < held.stale_at:
            return held.key
        try:
            key = _fetch(reference)
        except SecretUnreadable as error:
            if held is None:
                raise
            logger.warning("%s The key in hand is used on.", error)
            held.stale_at = time.monotonic() + AGAIN_SECONDS
            return held.key
        _held[reference] = _Held(key, time.monotonic() + KEPT_SECONDS)
        return key


def forget(reference: str) -> None:
    """Ask AWS again next time: a provider refused what is in hand."""
    _held.pop(reference, None)


def _fetch(reference: str) -> Secret:
    path, _, json_key = reference.removeprefix(SCHEME).partition("#")
    text = _ask(reference, path)
    if not json_key:
        return Secret(text)
    try:
        value = json.loads(text)[json_key]
    except (ValueError, TypeError, KeyError):
        value = None
    if not isinstance(value, str):
        raise SecretUnreadable(
            f"{reference}: the secret is no JSON object with a text {json_key!r}."
        )
    return Secret(value)


def _ask(reference: str, path: str) -> str:
    # At DEBUG it logs whole answers, and these are secrets.
    logging.getLogger("botocore").setLevel(logging.WARNING)
    try:
        session = importlib.import_module("botocore.session")
        exceptions = importlib.import_module("botocore.exceptions")
    except ImportError:
        raise SecretUnreadable(
            f"{reference}: reading AWS Secrets Manager needs botocore; install nodewise[aws]."
        ) from None
    try:
        found = _client(session.get_session(), path).get_secret_value(SecretId=path)
    except exceptions.ClientError as error:
        why = error.response.get("Error", {}).get("Code", "an error")
    except exceptions.BotoCoreError as error:
        why = type(error).__name__
    else:
        return str(found.get("SecretString") or "")
    raise SecretUnreadable(f"{reference}: AWS Secrets Manager answers {why}.")


def _client(session: Any, path: str) -> Any:
    """A client for the region that an ARN names, else for that of the environment."""
    parts = path.split(":")
    region = parts[3] if path.startswith("arn:") and len(parts) > 3 else None
    config = importlib.import_module("botocore.config").Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": 2, "mode": "standard"},
    )
    region = region or session.get_config_variable("region") or os.environ.get("AWS_REGION")
    return session.create_client("secretsmanager", region_name=region, config=config)

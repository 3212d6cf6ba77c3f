"""Messages that are due go out, each again after longer and longer pauses until it is given up.

No call waits for this: a timer does it, and a receiver that hangs holds it up for
LLM_ALERT_TIMEOUT_SECONDS.
"""

import asyncio
import datetime as dt
import logging
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from llmconfig.client.http import background_loop
from llmconfig.configuration import snapshot
from metrics.alerts.channels import NotDelivered, send
from metrics.models import AlertDelivery, DeliveryStatus

logger = logging.getLogger(__name__)

MAX_AT_ONCE = 50
# A worker that died while it sent leaves the message to another after so long.
CLAIM = dt.timedelta(seconds=90)
MAX_TIMEOUT_SECONDS = 60.0
PAUSES = tuple(dt.timedelta(seconds=each) for each in (30, 120, 600, 3600, 6 * 3600))


def send_due() -> int:
    """Try every message that is due, side by side; returns how many were sent."""
    claimed = _claim()
    if not claimed:
        return 0
    return sum(_noted(*pair) for pair in zip(claimed, _tried(claimed), strict=True))


def send_now(delivery: AlertDelivery) -> str:
    """Try a new message at once, for a person who waits; returns why it failed, blank if not.

    What failed is not tried again. Not for code inside `atomic()`.
    """
    delivery.attempts = len(PAUSES) + 1
    (error,) = _tried([delivery])
    _noted(delivery, error)
    return error


def _claim() -> list[AlertDelivery]:
    """Take what is due, so that no other worker does; an attempt counts when it begins."""
    now = timezone.now()
    with transaction.atomic():
        due = list(
            AlertDelivery.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("rule")
            .filter(status=DeliveryStatus.WAITING, next_attempt_at__lte=now)
            .order_by("next_attempt_at")[:MAX_AT_ONCE]
        )
        for each in due:
            each.attempts += 1
            each.next_attempt_at = now + CLAIM
        AlertDelivery.objects.bulk_update(due, ["attempts", "next_attempt_at"])
    return due


def _tried(deliveries: Sequence[AlertDelivery]) -> list[str]:
    """Why each attempt failed; blank where it didn't."""

    asked: float = snapshot.current().setting("LLM_ALERT_TIMEOUT_SECONDS")
    timeout_s = min(asked, MAX_TIMEOUT_SECONDS)

    async def all_of_them() -> list[str]:
        return list(await asyncio.gather(*(_attempt(each, timeout_s) for each in deliveries)))

    return background_loop.run(all_of_them())


async def _attempt(delivery: AlertDelivery, timeout_s: float) -> str:
    try:
        await send(delivery, timeout_s=timeout_s)
    except NotDelivered as failure:
        return str(failure) or "It could not be sent."
    except Exception as error:  # one message of many: the others go out
        logger.exception("The message %s could not be sent.", delivery.pk)
        return type(error).__name__
    return ""


def _noted(delivery: AlertDelivery, error: str) -> bool:
    """Write what became of an attempt; True if it was sent."""
    delivery.error = error[:300]
    if not error:
        delivery.status, delivery.sent_at = DeliveryStatus.SENT, timezone.now()
    elif delivery.attempts > len(PAUSES):
        delivery.status = DeliveryStatus.FAILED
        logger.warning("The alert “%s” is given up: %s", delivery.title, delivery.error)
    else:
        delivery.next_attempt_at = timezone.now() + PAUSES[delivery.attempts - 1]
    # Only while it is there: its rule may have been deleted meanwhile.
    AlertDelivery.objects.filter(pk=delivery.pk).update(
        error=delivery.error,
        status=delivery.status,
        sent_at=delivery.sent_at,
        attempts=delivery.attempts,
        next_attempt_at=delivery.next_attempt_at,
    )
    return not error

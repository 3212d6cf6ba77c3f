"""From events to messages: each rule tells the same once in its window.

What is to be told is a row before anything is sent, so a dead receiver or worker loses nothing.
"""

import datetime as dt
import logging
from collections import defaultdict
from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone, translation

from metrics.alerts import events
from metrics.alerts.events import AlertEvent
from metrics.models import AlertDelivery, AlertRule

logger = logging.getLogger(__name__)

KEEP = dt.timedelta(days=90)


def watch() -> int:
    """Ask every kind that an enabled rule names; returns how many messages are to be sent.

    A kind that raises is logged, and the others are asked.
    """
    rules = defaultdict(list)
    for rule in AlertRule.objects.filter(is_enabled=True):
        rules[rule.event].append(rule)
    made = 0
    for slug, telling in rules.items():
        kind = events.find(slug)
        if kind is None:
            continue
        try:
            with translation.override("en"):  # messages have one language
                found = list(kind.current())
        except Exception:
            logger.exception("Alerts of %s can't be found.", slug)
            continue
        made += sum(_tell(rule, found) for rule in telling)
    return made


def _tell(rule: AlertRule, found: Iterable[AlertEvent]) -> int:
    """Write the messages of one rule that are due."""
    wanted = [each for each in found if _concerns(rule, each)]
    if not wanted:
        return 0
    with transaction.atomic():
        # Two timers at once: the second sees what the first has written.
        if not AlertRule.objects.select_for_update().filter(pk=rule.pk).exists():
            return 0
        return sum(_write(rule, each) for each in wanted)


def _concerns(rule: AlertRule, event: AlertEvent) -> bool:
    if rule.subject and rule.subject != event.subject:
        return False
    return event.happened_at is None or event.happened_at >= rule.active_since


def _write(rule: AlertRule, event: AlertEvent) -> bool:
    """Write one message, unless the same was told at all, or another such in the window."""
    now = timezone.now()
    same = AlertDelivery.objects.filter(
        rule=rule, event=rule.event, subject=event.subject[:200], level=event.level, is_test=False
    )
    window = dt.timedelta(minutes=rule.window_minutes)
    if (
        same.filter(occurrence=event.occurrence).exists()
        or same.filter(created_at__gt=now - window).exists()
    ):
        return False
    AlertDelivery.objects.create(
        rule=rule,
        event=rule.event,
        subject=event.subject[:200],
        level=event.level,
        occurrence=event.occurrence,
        title=event.title[:300],
        text=event.text,
        created_at=now,
        next_attempt_at=now,
    )
    return True


def forget_old_deliveries() -> int:
    """Delete messages older than 90 days, and return how many there were."""
    deleted, _ = AlertDelivery.objects.filter(created_at__lt=timezone.now() - KEEP).delete()
    return deleted

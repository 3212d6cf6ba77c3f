"""The kinds of events that rules tell of. Each app registers its own, with what is so at present.

Nothing calls out when something happens: a timer asks each kind, so an event that a dead process
could not report is found all the same.
"""

import datetime as dt
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext
from msgspec import Struct

from llmconfig.errors import ChangeRefused

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

MAX_AGE = dt.timedelta(hours=24)  # of what has ended: older is no news


class AlertEvent(Struct, frozen=True):
    """Something that happened or is so.

    `subject` is what a rule's filter names. `level` and `occurrence` say what the same is: one
    subject and level is told once in a rule's window, one occurrence of it once at all.
    `happened_at` is None for what lasts; else rules that were enabled later don't tell of it.
    """

    subject: str
    title: str
    text: str
    level: str = ""
    occurrence: str = ""
    happened_at: dt.datetime | None = None


class EventKind(Struct, frozen=True):
    """One kind: its name in rules, its words for people, and how its events are found."""

    slug: str
    label: "StrOrPromise"
    current: Callable[[], Iterable[AlertEvent]]


_KINDS: dict[str, EventKind] = {}


def register(*kinds: EventKind) -> None:
    """Make kinds known, for an app's `ready`; rules may name them from then on."""
    for each in kinds:
        _KINDS[each.slug] = each


def find(slug: str) -> EventKind | None:
    """The kind of this name; None where the app that knew it is gone."""
    return _KINDS.get(slug)


def choices() -> list[tuple[str, str]]:
    """All kinds as a form offers them."""
    return [(each.slug, str(each.label)) for each in _KINDS.values()]


def label_of(slug: str) -> str:
    """A kind in words; its bare name where nobody knows it any more."""
    kind = _KINDS.get(slug)
    return str(kind.label) if kind else slug


def refuse_unknown(
    *, instance: Any, raw: bool = False, update_fields: Iterable[str] | None = None, **_: Any
) -> None:
    """For `pre_save` of rules, whoever saves one; raises ChangeRefused for an event nobody knows.

    Such a rule would be kept and never report anything.
    """
    saved = update_fields is None or "event" in update_fields
    if saved and not raw and instance.event not in _KINDS:
        raise ChangeRefused(
            gettext("There is no event {event!r}. There are: {known}.").format(
                event=instance.event, known=", ".join(_KINDS)
            ),
            field="event",
        )

"""How values look on every page: badges, money, bars. All text is escaped here."""

import datetime as dt
import re
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format, get_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext

from llmconfig.configuration.known_costs import KnownCost
from llmconfig.configuration.numbers import count, percent

TONES = frozenset({"good", "warning", "danger", "info", "plain"})
KEPT = 2048  # of each kind, as lists show the same again and again
SECONDS = "\0"  # in no format
NOTHING = mark_safe('<span class="nw-subtle">&ndash;</span>')


def badge(text: Any, tone: str = "plain") -> SafeString:
    """A coloured label; `tone` is one of TONES."""
    if tone not in TONES:
        raise ValueError(f"tone: {tone!r} is none of {', '.join(sorted(TONES))}.")
    return _badge(text if isinstance(text, str) else str(text), tone)


@lru_cache(maxsize=KEPT, typed=True)  # a text that is safe already is another one
def _badge(text: str, tone: str) -> SafeString:
    return format_html('<span class="nw-badge nw-{}">{}</span>', tone, text)


def few(names: Sequence[str], most: int = 8) -> str:
    """The first names, and how many more there are."""
    first = ", ".join(names[:most])
    if len(names) <= most:
        return first
    return gettext("{names} and {number} more").format(names=first, number=count(len(names) - most))


def moment(when: dt.datetime, *, seconds: bool = False) -> str:
    """A time as all lists show it, short and with its zone; `seconds` where a minute has many."""
    local = timezone.localtime(when)
    reader = (timezone.get_current_timezone_name(), get_language())
    minute = local.replace(second=0, microsecond=0)
    if not seconds:
        return _of_minute(minute, reader, "")
    return _of_minute(minute, reader, SECONDS).replace(SECONDS, f"{local.second:02}")


@lru_cache(maxsize=KEPT)
def _of_minute(begins: dt.datetime, _reader: tuple[str, str | None], seconds: str) -> str:
    """A minute as a reader of this zone and language, which are in use, is told it; with `seconds`,
    that stands where these belong.
    """
    form = get_format("SHORT_DATETIME_FORMAT")
    if seconds:
        form = re.sub("H:i|G:i|P", f"H:i:{seconds}", form)
    return date_format(begins, form)


def changed(now: Decimal | float | None, before: Decimal | float | None) -> str:
    """The change against the period before; blank where either is unknown or there was nothing."""
    if now is None or not before:
        return ""
    ratio = float(now) / float(before) - 1
    return (
        percent(ratio, signed=True)
        if abs(ratio) < 10
        else gettext("{number} times as much").format(number=count(round(ratio + 1)))
    )


def cost_changed(now: KnownCost, before: KnownCost | None) -> str:
    """The change of a cost; says so where either leaves out calls, whose cost nobody knows."""
    if before is None:
        return ""
    text = changed(now.usd, before.usd)
    unpriced = now.unpriced_calls or before.unpriced_calls
    return gettext("{change}, priced calls only").format(change=text) if text and unpriced else text


def progress_bar(done: int, total: int, *, failed: int = 0) -> SafeString:
    """A bar with its figures; failed rows are its red end."""
    whole = max(total, 1)
    return format_html(
        '<span class="nw-progress"><svg viewBox="0 0 100 4" preserveAspectRatio="none"'
        ' role="progressbar" aria-valuemin="0" aria-valuemax="{}" aria-valuenow="{}"'
        ' aria-label="{}" aria-valuetext="{}"><rect class="nw-track" width="100" height="4"/>'
        '<rect class="nw-fill" width="{}" height="4"/>'
        '<rect class="nw-fill-danger" x="{}" width="{}" height="4"/></svg><span>{}</span></span>',
        total,
        done + failed,
        gettext("Rows"),
        _rows_in_words(done + failed, total, failed),
        f"{100 * done / whole:.2f}",
        f"{100 * done / whole:.2f}",
        f"{100 * failed / whole:.2f}",
        f"{count(done + failed)} / {count(total)}",
    )


def _rows_in_words(done: int, total: int, failed: int) -> str:
    if not failed:
        return gettext("{done} of {total} rows").format(done=count(done), total=count(total))
    return gettext("{done} of {total} rows, {failed} failed").format(
        done=count(done), total=count(total), failed=count(failed)
    )


def in_a_line(label: Any) -> str:
    """A choice's label as it stands after other words: German keeps its capitals."""
    text = str(label)
    return text if (get_language() or "").startswith("de") else text.lower()


def link(address: str, text: Any) -> SafeString:
    """A link to another page of the admin, escaped."""
    return format_html('<a class="nw-link" href="{}">{}</a>', address, text)

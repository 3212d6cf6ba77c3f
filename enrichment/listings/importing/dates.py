"""Reads dates and times in the forms that files have, without guessing day and month."""

import datetime as dt
import re
import unicodedata
from email.utils import parsedate_to_datetime

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext
from msgspec import Struct

from enrichment.quality.lexicon.quantities import MONTHS

DAY_FIRST, MONTH_FIRST = "dmy", "mdy"
ORDERS = (DAY_FIRST, MONTH_FIRST)
_ISO_OFFSET = re.compile(r"\s*([+-]\d{2})(\d{2})?$")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{1,2}:\d{2}")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T?(\d{2})(\d{2})(\d{2})?(Z|[+-]\d{2}:?\d{2})?)?$")
_YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]+(.+))?$")
_NUMBERS = re.compile(r"(\d{1,2})([-/.])\s?(\d{1,2})\2\s?(\d{4}|\d{2})(?:,?[T ]+(.+))?$")
_DAY, _MONTH = r"(?P<day>\d{1,2})", r"(?P<month>[^\W\d_]+)\.?"
_YEAR_AND_TIME = r"(?P<year>\d{4}|\d{2})(?:,?[T :]+(?P<time>.+))?$"
_NAMED = (
    re.compile(rf"{_DAY}(?:st|nd|rd|th|\.|º)?[ /-](?:de )?{_MONTH},?[ /-](?:de )?{_YEAR_AND_TIME}"),
    re.compile(rf"{_MONTH} {_DAY}(?:st|nd|rd|th)?,? {_YEAR_AND_TIME}"),
)
# As C's asctime and Python's ctime write it.
_ASCTIME = re.compile(rf"[^\W\d_]{{3}} {_MONTH} {_DAY} (?P<time>\d\d:\d\d:\d\d) (?P<year>\d{{4}})$")
FIRST_YEAR, LAST_YEAR = 1900, 2100
_TIME = re.compile(
    r"(?:at |um )?(\d{1,2})[:h.](\d{2})(?:[:.](\d{2})(?:[.,](\d{1,6})\d*)?)?"
    r"\s?(am|pm|[ap]\.\s?m|uhr)?\.?\s?(z|(?:utc|gmt)?[+-]\d{2}:?\d{2}|utc|gmt)?"
    r"(?: UTC| GMT| ?\[[\w/+-]+\]| ?\([^()]*\))?$",  # Go, Java and JavaScript name the zone again
    re.IGNORECASE,
)
_UNIX_SECONDS, _UNIX_MILLISECONDS = re.compile(r"\d{10}(?:\.\d+)?$"), re.compile(r"\d{13}$")
# Excel's long dates, and JavaScript's. After a comma it may be in any language.
_WEEKDAY = re.compile(
    r"(?:[^\W\d_]+(?:-feira)?\.?, ?"
    r"|(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?\.? "
    r"|(?:(?:mon|diens|donners|frei|sams|sonn)tag|mittwoch|sonnabend) "
    r"|(?:(?:lun|mar|mercre|jeu|vendre|same)di|dimanche) "
    r"|(?:lunes|martes|miércoles|jueves|viernes|sábado|domingo) "
    r"|(?:(?:lune|marte|mercole|giove|vener)dì|sabato|domenica) )(?=\S)",
    re.IGNORECASE,
)
_NO_DAY = re.compile(r"(?:0000-00-00(?: 00:00:00(?:\.0+)?)?|null|n/a|unknown)$", re.IGNORECASE)
_ENOUGH_LETTERS = (3, 4)  # of a month's name to tell it from the others; juin and juillet need 4


class Day(Struct, frozen=True):
    """A date without a time; it begins at midnight of the project's time zone."""

    date: dt.date

    def begins(self) -> dt.datetime:
        return _local(dt.datetime.combine(self.date, dt.time()))


Moment = dt.datetime | Day


def is_no_day(text: str) -> bool:
    """Whether a cell says that there is no date, as MySQL's zero date and the word null do."""
    return not text or _NO_DAY.match(text) is not None


def order_evidence(text: str) -> str:
    """DAY_FIRST or MONTH_FIRST where a date such as 31/01/2024 shows it, else blank."""
    words = text.strip()
    found = _NUMBERS.match(_WEEKDAY.sub("", words, count=1))
    if found is None or found[2] == ".":
        return ""
    first, second = int(found[1]), int(found[3])
    if first > 12 >= second:
        return DAY_FIRST
    return MONTH_FIRST if second > 12 >= first else ""


def moment_of(text: str, *, order: str) -> Moment:
    """A time with its zone (the project's, where the text names none), or a Day.

    `order` is DAY_FIRST, MONTH_FIRST or blank, for dates such as 03/04/2024. Raises ValueError that
    says what is wrong.
    """
    return within_years(_moment_of(" ".join(text.split()), order))


def within_years(moment: Moment) -> Moment:
    """The same; raises ValueError for years in which no listing was posted.

    A date at either end of the calendar can be stored and not be read again, in another zone.
    """
    year = moment.date.year if isinstance(moment, Day) else moment.year
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(
            gettext("the year {year} isn't between {first} and {last}").format(
                year=year, first=FIRST_YEAR, last=LAST_YEAR
            )
        )
    return moment


def _moment_of(words: str, order: str) -> Moment:
    found = _in_a_form(words, order)
    if found is None and (weekday := _WEEKDAY.match(words)):
        found = _in_a_form(words[weekday.end() :], order)
    if found is None:
        raise ValueError(
            gettext("no date that is known here; 2024-03-31 or 2024-03-31T10:00:00Z is one")
        )
    return found


def _in_a_form(words: str, order: str) -> Moment | None:
    for form in (_iso, _compact, _year_first, _unix, _named, _mail):
        found = form(words)
        if found is not None:
            return found
    numbers = _NUMBERS.match(words)
    return None if numbers is None else _from_numbers(numbers, order)


def _local(moment: dt.datetime) -> dt.datetime:
    if moment.tzinfo is not None:
        return moment
    return timezone.make_aware(moment)


def _iso(text: str) -> Moment | None:
    if not _ISO.match(text):
        return None
    if text.upper().endswith((" UTC", " GMT")):
        text = text[:-4] + "Z"
    text = (
        _ISO_OFFSET.sub(lambda found: f"{found[1]}:{found[2] or '00'}", text)
        if len(text) > 19
        else text
    )
    moment = parse_datetime(text)
    return None if moment is None else _local(moment)


def _compact(text: str) -> Moment | None:
    found = _COMPACT.match(text)
    if (
        found is None
        or not FIRST_YEAR <= int(found[1]) <= LAST_YEAR
        or not 1 <= int(found[2]) <= 12
    ):
        return None
    day = dt.date(int(found[1]), int(found[2]), int(found[3]))
    if found[4] is None:
        return Day(day)
    at = dt.time(int(found[4]), int(found[5]), int(found[6] or 0))
    moment = dt.datetime.combine(day, at)
    return _in_zone(moment, (found[7] or "").lower())


def _year_first(text: str) -> Moment | None:
    found = _YEAR_FIRST.match(text)
    if found is None:
        return None
    return _at(dt.date(int(found[1]), int(found[2]), int(found[3])), found[4])


def _unix(text: str) -> Moment | None:
    if _UNIX_SECONDS.match(text):
        whole, _, parts = text.partition(".")
        moment = dt.datetime.fromtimestamp(int(whole), dt.UTC)
        return moment.replace(microsecond=int(parts[:6].ljust(6, "0")))
    if _UNIX_MILLISECONDS.match(text):
        return dt.datetime.fromtimestamp(int(text) / 1000, dt.UTC)
    return None


def _named(text: str) -> Moment | None:
    for form in (*_NAMED, _ASCTIME):
        found = form.match(text)
        if found is not None and (month := _month(found["month"])):
            return _at(dt.date(_full_year(found["year"]), month, int(found["day"])), found["time"])
    return None


def _month(word: str) -> int:
    """The number of a month by the beginning of its name, 0 for other words."""
    name = _without_accents(word)
    for letters in _ENOUGH_LETTERS:
        found = _MONTHS_BY_BEGINNING.get(name[:letters], set())
        if len(found) == 1:
            return int(*found)
    return 0


def _without_accents(word: str) -> str:
    apart = unicodedata.normalize("NFD", word.casefold())
    return "".join(each for each in apart if not unicodedata.combining(each))


def _by_beginning() -> dict[str, set[str]]:
    """The numbers of the months whose names begin so, in any of the lexicon's languages."""
    found: dict[str, set[str]] = {}
    for name, number in MONTHS.items():
        for letters in _ENOUGH_LETTERS:
            found.setdefault(_without_accents(name)[:letters], set()).add(number)
    return found


_MONTHS_BY_BEGINNING = _by_beginning()


def _mail(text: str) -> Moment | None:
    """RFC 5322, as in e-mail and HTTP: Tue, 05 Mar 2024 10:00:00 +0100."""
    if not re.match(r"[A-Za-z]{3}, \d", text):
        return None
    try:
        return _local(parsedate_to_datetime(text))
    except (ValueError, TypeError, IndexError):
        return None


def _from_numbers(found: re.Match[str], order: str) -> Moment:
    first, second = int(found[1]), int(found[3])
    shown = order_evidence(found[0])
    if found[2] == ".":
        order = DAY_FIRST
    elif first == second:
        order = order or DAY_FIRST
    order = shown or order
    if not order:
        raise ValueError(
            gettext("day and month can't be told apart; say which comes first (--dates dmy or mdy)")
        )
    day, month = (first, second) if order == DAY_FIRST else (second, first)
    return _at(dt.date(_full_year(found[4]), month, day), found[5])


def _full_year(digits: str) -> int:
    if len(digits) == 4:
        return int(digits)
    year = 2000 + int(digits)
    return year if year <= timezone.now().year + 1 else year - 100


def _at(day: dt.date, time: str | None) -> Moment:
    if not time:
        return Day(day)
    found = _TIME.match(time.strip())
    if found is None:
        raise ValueError(gettext("{time!r} is no time of day that is known here").format(time=time))
    hour = int(found[1])
    half = (found[5] or "").lower().replace(".", "").replace(" ", "")
    if half in {"am", "pm"}:
        if not 1 <= hour <= 12:
            raise ValueError(gettext("{time!r} is no time of day").format(time=time))
        hour = hour % 12 + 12 * (half == "pm")
    microsecond = int((found[4] or "").ljust(6, "0")) if found[4] else 0
    moment = dt.datetime.combine(day, dt.time(hour, int(found[2]), int(found[3] or 0), microsecond))
    return _in_zone(moment, (found[6] or "").lower())


def _in_zone(moment: dt.datetime, zone: str) -> dt.datetime:
    if not zone:
        return _local(moment)
    if zone in {"z", "utc", "gmt"}:
        return moment.replace(tzinfo=dt.UTC)
    zone = zone.removeprefix("utc").removeprefix("gmt")
    digits = zone[1:].replace(":", "")
    offset = dt.timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return moment.replace(tzinfo=dt.timezone(-offset if zone[0] == "-" else offset))

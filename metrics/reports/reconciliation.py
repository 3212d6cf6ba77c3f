"""A provider's own usage export beside what we recorded, by day and model.

An export is read by its header: OpenAI's usage and costs, Anthropic's usage and costs, OpenRouter's
activity; any other one with the names of its columns given. Its lines of one day and model are
added up and replace what was imported for that day and model before, so importing a file twice
changes nothing. Export whole days.
"""

import csv
import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

from django.utils import timezone
from django.utils.translation import gettext
from msgspec import Struct

from llmconfig.configuration import time_zones
from llmconfig.configuration.numbers import count
from metrics.errors import BadLine, ExportUnreadable, Unanswerable
from metrics.models import BilledUsage
from metrics.queries import ask
from metrics.questions import MetricsQuestion

MAX_SHOWN_LINES = 20  # bad lines in an error's text
MAX_LINES = 1_000_000
LARGEST = 2**63 - 1
# Behind a model's name: the day or state of the version that answered.
VERSION = re.compile(r"[-@:](\d{4}-\d{2}-\d{2}|\d{8}|latest)$")
MEASURES = ("requests", "tokens_input", "tokens_output", "cost_usd")


class Shape(Struct, frozen=True):
    """Which columns of an export say what; those of one measure are added up.

    `each_line` says that a line is one request.
    """

    day: str
    model: str
    requests: tuple[str, ...] = ()
    tokens_input: tuple[str, ...] = ()
    tokens_output: tuple[str, ...] = ()
    cost_usd: tuple[str, ...] = ()
    each_line: bool = False

    def columns(self) -> set[str]:
        """All that the header must have."""
        return {self.day, self.model}.union(*(getattr(self, name) for name in MEASURES))


SHAPES: Mapping[str, Shape] = MappingProxyType(
    {
        "openai usage": Shape(
            "start_time_iso",
            "model",
            ("num_model_requests",),
            ("input_tokens",),
            ("output_tokens",),
        ),
        "openai costs": Shape("start_time_iso", "line_item", cost_usd=("amount_value",)),
        "anthropic usage": Shape(
            "usage_date_utc",
            "model_version",
            tokens_input=(
                "usage_input_tokens_no_cache",
                "usage_input_tokens_cache_write_5m",
                "usage_input_tokens_cache_write_1h",
                "usage_input_tokens_cache_read",
            ),
            tokens_output=("usage_output_tokens",),
        ),
        "anthropic costs": Shape("usage_date_utc", "model", cost_usd=("cost_usd",)),
        "openrouter activity": Shape(
            "created_at",
            "model_permaslug",
            tokens_input=("tokens_prompt",),
            tokens_output=("tokens_completion",),
            cost_usd=("cost_total",),
            each_line=True,
        ),
        "openrouter activity by day": Shape(
            "date",
            "model",
            ("requests",),
            ("prompt_tokens",),
            ("completion_tokens",),
            ("usage",),
        ),
    }
)


class Imported(Struct, frozen=True):
    """What an import did. `rows` are days of models."""

    shape: str
    lines: int
    rows: int
    since: dt.date | None
    until: dt.date | None
    skipped: tuple[BadLine, ...]


class DaySums(Struct):
    """What is known of one day of one model; None is not said."""

    requests: int | None = None
    tokens_input: int | None = None
    tokens_output: int | None = None
    cost_usd: Decimal | None = None

    def add(self, other: "DaySums") -> None:
        """Add what the other one knows."""
        for name in MEASURES:
            more, held = getattr(other, name), getattr(self, name)
            if more is not None:
                setattr(self, name, more if held is None else held + more)


class BillingDifference(Struct, frozen=True):
    """One day of one model: what we recorded beside what the provider says.

    `cost_usd` is theirs less ours, None where one of them is unknown; so are the other two.
    """

    day: dt.date
    model: str
    ours: DaySums
    theirs: DaySums
    unpriced: int
    unpriced_tokens: int = 0

    def _less(self, name: str) -> Decimal | int | None:
        theirs, ours = getattr(self.theirs, name), getattr(self.ours, name)
        return None if theirs is None or ours is None else theirs - ours

    @property
    def cost_usd(self) -> Decimal | None:
        """What the provider billed beyond what we counted."""
        found = self._less("cost_usd")
        return None if found is None else Decimal(found)

    @property
    def requests(self) -> int | None:
        """Requests that we know nothing of; repeated attempts are among them."""
        found = self._less("requests")
        return None if found is None else int(found)

    @property
    def tokens(self) -> int | None:
        parts = self._less("tokens_input"), self._less("tokens_output")
        known = [int(part) for part in parts if part is not None]
        return sum(known) if known else None


def import_export(
    lines: Iterable[str],
    *,
    provider: str,
    columns: Mapping[str, str] | None = None,
    skip_bad: bool = False,
) -> Imported:
    """Store what an export says of a provider's days; raises ExportUnreadable.

    `columns` names the columns of an export of another shape: `day`, `model`, and any of MEASURES.
    With bad lines nothing is stored, unless `skip_bad`.
    """
    reader = csv.DictReader(lines, strict=True)
    try:
        header = [(name or "").strip().lstrip("\ufeff") for name in reader.fieldnames or ()]
        reader.fieldnames = header
        name, shape = ("as given", _given(columns)) if columns else _known(header)
        _check_header(shape, header)
        sums, bad, number = _added_up(reader, shape, costs_only=name == "openai costs")
    except csv.Error as error:
        said = gettext("Line {line_num}: {error}.").format(line_num=reader.line_num, error=error)
        raise ExportUnreadable(said) from None
    if bad and not skip_bad:
        told = "; ".join(f"line {each.number}: {each.reason}" for each in bad[:MAX_SHOWN_LINES])
        more = f"; and {len(bad) - MAX_SHOWN_LINES} more" if len(bad) > MAX_SHOWN_LINES else ""
        said = gettext("Nothing was imported. {told}{more}.").format(told=told, more=more)
        raise ExportUnreadable(said, bad=tuple(bad))
    _store(provider, sums)
    days = [day for day, _ in sums]
    return Imported(
        name, number, len(sums), min(days, default=None), max(days, default=None), tuple(bad)
    )


def differences(provider: str, *, since: dt.date, until: dt.date) -> list[BillingDifference]:
    """Each day and model that either side knows, the newest and the largest difference first.

    Days from `since` up to, but without, `until`. Raises Unanswerable without any import.
    """
    billed = list(BilledUsage.objects.filter(provider=provider, day__gte=since, day__lt=until))
    if not billed:
        raise Unanswerable(
            gettext("Nothing that {provider} billed in this time was imported.").format(
                provider=provider
            )
        )
    ours, unpriced = _ours(provider, since=since, until=until)
    names = {model for _, model in ours}
    theirs: dict[tuple[dt.date, str], DaySums] = {}
    for row in billed:
        held = theirs.setdefault((row.day, _as_here(row.model, names)), DaySums())
        held.add(DaySums(row.requests, row.tokens_input, row.tokens_output, row.cost_usd))
    # Days that the export doesn't cover are no difference.
    covered = {day for day, _ in theirs}
    keys = theirs.keys() | {key for key in ours if key[0] in covered}
    found = [
        BillingDifference(
            day, model, ours.get((day, model)) or DaySums(0, 0, 0, Decimal(0)),
            theirs.get((day, model)) or DaySums(), *unpriced.get((day, model), (0, 0)),
        )
        for day, model in keys
    ]  # fmt: skip
    return sorted(found, key=_rank)


def _rank(each: BillingDifference) -> tuple[int, Decimal, str]:
    return -each.day.toordinal(), -abs(each.cost_usd or Decimal(0)), each.model


def _known(header: Sequence[str]) -> tuple[str, Shape]:
    for name, shape in SHAPES.items():
        if shape.columns() <= set(header):
            return name, shape
    raise ExportUnreadable(
        gettext(
            "The header is none of {names}: it has {value}. Say which columns hold what: "
            "day, model, requests, tokens_input, tokens_output, cost_usd."
        ).format(names=", ".join(SHAPES), value=", ".join(header[:12]) or "nothing")
    )


def _given(columns: Mapping[str, str]) -> Shape:
    unknown = set(columns) - {"day", "model", *MEASURES}
    if unknown or not {"day", "model"} <= set(columns):
        said = gettext(
            "Name the columns of day and model, and any of {names}; there is nothing else{value}."
        )
        others = ": " + ", ".join(sorted(unknown)) if unknown else ""
        raise ExportUnreadable(said.format(names=", ".join(MEASURES), value=others))
    return Shape(
        columns["day"],
        columns["model"],
        requests=_one(columns, "requests"),
        tokens_input=_one(columns, "tokens_input"),
        tokens_output=_one(columns, "tokens_output"),
        cost_usd=_one(columns, "cost_usd"),
    )


def _one(columns: Mapping[str, str], name: str) -> tuple[str, ...]:
    return (columns[name],) if name in columns else ()


def _check_header(shape: Shape, header: Sequence[str]) -> None:
    missing = sorted(shape.columns() - set(header))
    if missing:
        said = gettext("The header lacks {names}.").format(names=", ".join(missing))
        raise ExportUnreadable(said)


def _added_up(
    reader: "csv.DictReader[str]", shape: Shape, *, costs_only: bool
) -> tuple[dict[tuple[dt.date, str], DaySums], list[BadLine], int]:
    sums: dict[tuple[dt.date, str], DaySums] = {}
    bad: list[BadLine] = []
    number = 0
    for row in reader:
        number += 1
        if number > MAX_LINES:
            said = gettext("It has more than {max_lines} lines; export fewer days.")
            raise ExportUnreadable(said.format(max_lines=count(MAX_LINES)))
        try:
            day, model = _day(row.get(shape.day)), (row.get(shape.model) or "").strip()
            # OpenAI's costs have lines such as "gpt-4o-2024-08-06, input".
            model = model.partition(",")[0] if costs_only else model
            if not model or len(model) > 200 or not model.isprintable():
                raise ValueError(f"{shape.model} names no model")
            known = DaySums(
                1 if shape.each_line else _whole(row, shape.requests),
                _whole(row, shape.tokens_input),
                _whole(row, shape.tokens_output),
                _amount(row, shape.cost_usd),
            )
        except ValueError as error:
            bad.append(BadLine(reader.line_num, str(error)))
            continue
        sums.setdefault((day, model), DaySums()).add(known)
    return sums, bad, number


def _day(text: str | None) -> dt.date:
    """From a date, or the day in UTC of a time."""
    try:
        moment = dt.datetime.fromisoformat((text or "").strip().replace(" UTC", "+00:00"))
        return (moment.astimezone(dt.UTC) if moment.tzinfo else moment).date()
    except (ValueError, OverflowError):
        raise ValueError(f"{(text or '')[:40]!r} is no day") from None


def _amount(row: Mapping[str, str | None], columns: Sequence[str]) -> Decimal | None:
    total = _sum(row, columns)
    if total is not None and abs(total) >= 10**9:
        raise ValueError(f"{columns[0]}: {total} is too large")
    return total


def _whole(row: Mapping[str, str | None], columns: Sequence[str]) -> int | None:
    total = _sum(row, columns)
    if total is None:
        return None
    if not 0 <= total <= LARGEST or total != int(total):
        raise ValueError(f"{columns[0]}: {total} is no count")
    return int(total)


def _sum(row: Mapping[str, str | None], columns: Sequence[str]) -> Decimal | None:
    known = [each for each in (_number(row, name) for name in columns) if each is not None]
    return sum(known, Decimal(0)) if known else None


def _number(row: Mapping[str, str | None], name: str) -> Decimal | None:
    text = (row.get(name) or "").strip().lstrip("$")
    if not text:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{name}: {text[:40]!r} is no number") from None
    if not value.is_finite():
        raise ValueError(f"{name}: {text[:40]!r} is no number")
    return value


def _store(provider: str, sums: Mapping[tuple[dt.date, str], DaySums]) -> None:
    """What this export doesn't say of a day, such as its cost, stays as another one said it."""
    said = {name for each in sums.values() for name in MEASURES if getattr(each, name) is not None}
    now = timezone.now()
    BilledUsage.objects.bulk_create(
        [
            BilledUsage(
                provider=provider, day=day, model=model, imported_at=now,
                **{name: getattr(each, name) for name in MEASURES},
            )
            for (day, model), each in sums.items()
        ],
        batch_size=2000,
        update_conflicts=True,
        unique_fields=["provider", "day", "model"],
        update_fields=[*sorted(said), "imported_at"],
    )  # fmt: skip


def _ours(
    provider: str, *, since: dt.date, until: dt.date
) -> tuple[dict[tuple[dt.date, str], DaySums], dict[tuple[dt.date, str], tuple[int, int]]]:
    """Our sums, and the calls without a price with their tokens.

    What the cache answered was no request.
    """
    question = MetricsQuestion(
        since=dt.datetime.combine(since, dt.time(), dt.UTC),
        until=dt.datetime.combine(until, dt.time(), dt.UTC),
        by=["model"],
        only={"provider": provider},
        each_period=True,
        zone=time_zones.UTC,  # of vendors' bills
    )
    sums, unpriced = {}, {}
    for row in ask(question):
        if row.period is None:
            continue
        key, each = (row.period.astimezone(dt.UTC).date(), str(row.keys[0])), row.figures
        requests = each.calls - each.cache_hits
        sums[key] = DaySums(requests, each.tokens_input, each.tokens_output, each.cost_usd)
        unpriced[key] = each.unpriced, each.unpriced_tokens
    return sums, unpriced


def _as_here(model: str, names: set[str]) -> str:
    """Our name for a provider's: the same, or the same without its version."""
    if model in names:
        return model
    plain = VERSION.sub("", model)
    if plain in names:
        return plain
    versions = [name for name in names if VERSION.sub("", name) == plain]
    return versions[0] if len(versions) == 1 else model

"""The list of calls with the sums of all that its filters show."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django.db.models import Case, Count, F, IntegerField, Q, Sum, Value, When
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext

from llmconfig.configuration.numbers import count, milliseconds
from metrics.admin.periods import PERIOD, SINCE, UNTIL, asked_span
from metrics.admin.plain_rows import PlainChangeList
from metrics.admin.viewers_zone import viewers_zone
from metrics.bounded import bounded
from metrics.errors import TookTooLong, Unanswerable
from metrics.queries import Figures, added, ask, total
from metrics.questions import Grain, Key, MetricsQuestion, start_of, users_have_text_keys

# What the sums by hour know too, by its name in the address; the others are summed from the calls.
IN_SUMS: Mapping[str, str] = {
    "node": "node", "kind": "type", "by": "provider", "model": "model", "tier": "tier",
    "organization": "organization", "outcome": "outcome",
}  # fmt: skip
# What has sums of its own, each alone.
IN_CALLERS: Mapping[str, str] = {"key": "key", "user": "user", "tag": "tag"}
NUMBERS = frozenset({"organization", "user"})
ABOUT_TIME = frozenset({PERIOD, SINCE, UNTIL})


class CallChangeList(PlainChangeList):
    """Django's, with the sums; the template asks for them."""

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        self.asked = request
        super().__init__(request, *args, **kwargs)

    def totals(self) -> list[tuple[str, str]]:
        """Labels and values of what is filtered; none when summing them takes too long."""
        try:
            with bounded():
                try:
                    kept = _of_sums(self.asked)
                except Unanswerable:  # sums by caller that don't tell this one apart
                    kept = None
                found = self._from_calls() if kept is None else kept
        except TookTooLong:
            return []
        return [
            (gettext("calls"), count(found.calls)),
            (gettext("cost"), str(found.cost)),
            (gettext("tokens in"), count(found.tokens_input)),
            (gettext("tokens out"), count(found.tokens_output)),
            (gettext("failed"), count(found.failed)),
            (gettext("mean latency"), milliseconds(found.average_latency_ms or 0)),
        ]

    def _from_calls(self) -> Figures:
        unpriced = Q(cost_usd__isnull=True)
        sums = self.queryset.order_by().aggregate(
            calls=Count("pk"),
            failed=Count("pk", filter=~Q(error_code="")),
            unpriced=Count("pk", filter=unpriced),
            unpriced_tokens=Sum(
                Case(When(unpriced, then=F("tokens_total")), default=Value(0)),
                output_field=IntegerField(),
            ),
            tokens_input=Sum("tokens_input"),
            tokens_output=Sum("tokens_output"),
            cost_usd=Sum("cost_usd"),
            latency_sum_ms=Sum("latency_ms"),
        )
        return Figures(**{name: _or_zero(name, value) for name, value in sums.items()})


def _or_zero(name: str, value: Any) -> Any:
    """A sum over nothing is NULL, which means an unknown amount for money alone."""
    return value if name == "cost_usd" else value or 0


def _of_sums(request: HttpRequest) -> Figures | None:
    """The sums from those that are kept by hour; None where those don't tell."""
    given = {name: str(value) for name, value in request.GET.items() if value}
    names = given.keys() - ABOUT_TIME - {"o", "p", "tz"}
    known = {**IN_SUMS, **IN_CALLERS}
    if not names <= known.keys() or given.get("outcome") in {"unpriced", "cached"}:
        return None
    if len(names) > 1 and not names.isdisjoint(IN_CALLERS):
        return None
    question = _in_whole_periods(request)
    if question is None:
        return None
    only: dict[str, Key] = {known[name]: given[name] for name in names}
    outcome = only.pop("outcome", None)
    for name in NUMBERS & only.keys():
        if name == "user" and users_have_text_keys():
            continue
        if not given[name].isdecimal():
            return None
        only[name] = int(given[name])
    if outcome == "failed":
        rows = ask(question(only=only, by=["outcome"]))
        return added([row.figures for row in rows if row.keys[0]])
    if outcome is not None:
        only["outcome"] = "" if outcome == "ok" else outcome
    return total(question(only=only)).figures


def _in_whole_periods(request: HttpRequest) -> Callable[..., MetricsQuestion] | None:
    """A question about the asked time; None when it isn't one of whole days or hours."""
    span, zone = asked_span(request), viewers_zone(request)
    bounds = [span.since, *([span.until] if span.until else [])]
    for grain in (Grain.DAY, Grain.HOUR):
        if all(start_of(each, grain, zone) == each for each in bounds):
            until = span.until or timezone.now()
            return partial(MetricsQuestion, since=span.since, until=until, grain=grain, zone=zone)
    return None

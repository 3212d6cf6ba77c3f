"""A week's figures in words: computed by us, told by the model of the analytics type, if it can.

The model gets the figures and nothing else. A text with a number that isn't among them is refused,
once with the reason; then the plain report, which needs no model, takes its place.
"""

import datetime as dt
import json
import logging
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from django.core.mail import send_mail
from django.utils import timezone

from llmconfig import client, project_settings
from llmconfig.client.types import Call, Labels, Message
from llmconfig.configuration import time_zones
from llmconfig.configuration.known_costs import UNPRICED, KnownCost
from llmconfig.errors import LLMError
from llmconfig.models import InteractionType
from llmconfig.runtime import database_clock
from metrics.analyzers.cost import forecast_month
from metrics.errors import Unanswerable
from metrics.models import WeeklyReport
from metrics.queries import Figures, Row, ask, total
from metrics.questions import MetricsQuestion

logger = logging.getLogger(__name__)

WEEK = dt.timedelta(days=7)
SHOWN = 5  # models, nodes and errors
TRIES = 2
LONGEST = 4000  # characters
NUMBER = re.compile(r"\d+(?:[,.]\d+)*")
INSTRUCTIONS = (
    "You write the weekly report on an organization's language-model calls, for the people who pay"
    " for them. You get the week's figures as JSON; costs are US dollars. Write 120 to 200 words of"
    " plain text in two or three paragraphs: what was spent and how that changed, what it was spent"
    " on, what failed, what to look into. Use only numbers that stand in the JSON, written in"
    " digits exactly as there; compute and estimate nothing. No headings, no lists, no greeting."
)


def last_week(today: dt.date | None = None) -> dt.date:
    """The Monday of the last whole week, in the installation's time zone."""
    day = today or database_clock.now().astimezone(time_zones.default()).date()
    return day - dt.timedelta(days=day.weekday() + 7)


def report(week_start: dt.date, *, narrate: bool = True, anew: bool = False) -> WeeklyReport:
    """The week's report, made if it isn't there yet or `anew`; `week_start` is a Monday.

    Calls a model unless `narrate` is False, so don't call it inside `atomic()`.
    """
    held = WeeklyReport.objects.filter(week_start=week_start).first()
    if held is not None and not anew:
        return held
    figures = figures_of(week_start)
    text, written_by, remark = _narrated(figures) if narrate else ("", "", "")
    made, _ = WeeklyReport.objects.update_or_create(
        week_start=week_start,
        defaults={
            "figures": figures,
            "text": text or plain(figures),
            "written_by": written_by,
            "remark": remark[:300],
        },
    )
    return made


def send(made: WeeklyReport) -> bool:
    """Send it to REPORT_EMAIL_TO, once; False if nobody is named there or it was sent before.

    Raises what the mail server's library raises; the report then counts as not sent.
    """
    addresses = project_settings.report_recipients()
    rows = WeeklyReport.objects.filter(pk=made.pk, sent_at=None)
    if not addresses or not rows.update(sent_at=timezone.now()):
        return False
    try:
        send_mail(
            subject=f"Language-model calls, week of {made.week_start:%-d %B %Y}",
            message=f"{made.text}\n\n{plain(made.figures)}" if made.written_by else made.text,
            from_email=None,
            recipient_list=addresses,
        )
    except Exception:
        WeeklyReport.objects.filter(pk=made.pk).update(sent_at=None)
        raise
    return True


def figures_of(week_start: dt.date) -> dict[str, Any]:
    """All that a report of this week may say, as JSON."""
    since = time_zones.midnight(week_start, time_zones.default())
    week = MetricsQuestion(since=since, until=since + WEEK)
    now = total(week).figures
    before = total(MetricsQuestion(since=since - WEEK, until=since)).figures
    found: dict[str, Any] = {
        "week_begins": str(week_start),
        "week_ends": str(week_start + dt.timedelta(days=6)),
        "time_zone": week.zone.key,
        **_sums(now),
        "week_before": _sums(before),
        "change_of_cost_percent": _change(now.cost.usd, before.cost.usd),
        "change_of_calls_percent": _change(now.calls, before.calls),
        "models": [_line(row) for row in _most(week, "provider", "model")],
        "nodes": [_line(row) for row in _most(week, "node")],
        "errors": [
            {"name": str(row.keys[0]), "calls": row.figures.calls}
            for row in sorted(_by(week, "outcome"), key=lambda row: -row.figures.calls)
            if row.keys[0]
        ][:SHOWN],
    }
    slowest = MetricsQuestion(since=week.since, until=week.until, latencies=True)
    p95 = total(slowest).percentile(0.95)
    found["p95_latency_ms"] = None if p95 is None else round(p95)
    try:
        found["forecast_of_the_month_usd"] = f"{forecast_month().expected_usd:.2f}"
    except Unanswerable:
        found["forecast_of_the_month_usd"] = None
    return found


def plain(figures: Mapping[str, Any]) -> str:
    """The report's text, made by rule where no model writes it."""
    return "\n".join(_plain_lines(figures))


def strange_numbers(text: str, figures: Mapping[str, Any]) -> list[str]:
    """Numbers of a text that aren't among the figures. Names of models and errors may have any,
    also written as people do: http_429 as HTTP 429.
    """
    for name in sorted(_names(figures), key=len, reverse=True):
        written = re.escape(name).replace("_", "[_ ]")
        text = re.sub(written, " ", text, flags=re.IGNORECASE)
    known = set(_numbers(figures))
    return [each for each in NUMBER.findall(text) if _value(each) not in known]


def _narrated(figures: Mapping[str, Any]) -> tuple[str, str, str]:
    """Text, the model that wrote it, and why there is none."""
    messages: list[Message] = [
        {"role": "system", "content": INSTRUCTIONS},
        {"role": "user", "content": json.dumps(figures, ensure_ascii=False)},
    ]
    remark = ""
    for _ in range(TRIES):
        try:
            answer = client.generate(
                Call(
                    node=InteractionType.ANALYTICS.value,
                    messages=messages,
                    labels=Labels(service_name="report", operation_type="weekly_report"),
                    use_cache=False,
                )
            )
        except LLMError as error:
            logger.warning("The weekly report is told without a model: %s", error)
            return "", "", str(error)
        text = answer.text.strip()
        complaint = _complaint(text, figures)
        if not complaint:
            record = answer.record
            return text, f"{record.provider}/{record.model}", ""
        remark = f"{answer.record.model} {complaint}"
        messages += [
            {"role": "assistant", "content": text[:LONGEST]},
            {"role": "user", "content": f"That text {complaint}. Write it again without that."},
        ]
    logger.warning("The weekly report is told without a model: %s", remark)
    return "", "", remark


def _complaint(text: str, figures: Mapping[str, Any]) -> str:
    """Why a text can't be used; blank when it can."""
    if not text:
        return "is empty"
    if text.startswith(("{", "[", "```")):
        return "is no plain text"
    if len(text) > LONGEST:
        return f"is longer than {LONGEST} characters"
    strange = strange_numbers(text, figures)
    if strange:
        return f"has numbers that are not among the figures: {', '.join(strange[:10])}"
    return ""


def _sums(figures: Figures) -> dict[str, Any]:
    return {
        "calls": figures.calls,
        "failed": figures.failed,
        "failed_percent": _percent(figures.failed, figures.calls),
        "cost_usd": _cents(figures.cost.usd),
        "unpriced_calls": figures.unpriced,
        "unpriced_tokens": figures.unpriced_tokens,
        "answers_from_the_cache": figures.cache_hits,
        "saved_by_the_cache_usd": _cents(figures.saved.usd),
        "answers_from_the_cache_with_unknown_saving": figures.unpriced_hits,
        "tokens": figures.tokens_input + figures.tokens_output,
    }


def _by(week: MetricsQuestion, *names: str) -> list[Row]:
    return ask(MetricsQuestion(since=week.since, until=week.until, by=names))


def _most(week: MetricsQuestion, *names: str) -> list[Row]:
    return _by(week, *names)[:SHOWN]


def _line(row: Row) -> dict[str, Any]:
    return {
        "name": "/".join(str(key) for key in row.keys if key),
        "calls": row.figures.calls,
        "cost_usd": _cents(row.figures.cost.usd),
        **({"unpriced_calls": row.figures.unpriced} if row.figures.unpriced else {}),
        "failed_percent": _percent(row.figures.failed, row.figures.calls),
    }


def _cents(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.2f}"


def _percent(part: int, whole: int) -> str | None:
    return f"{100 * part / whole:.1f}" if whole else None


def _change(now: Decimal | int | None, before: Decimal | int | None) -> str | None:
    """Against the week before, as far as known; None where nothing is, or there was nothing."""
    return None if now is None or not before else f"{100 * (float(now) / float(before) - 1):+.0f}"


def _plain_lines(figures: Mapping[str, Any]) -> Iterator[str]:
    before = figures["week_before"]
    yield f"Language-model calls from {figures['week_begins']} to {figures['week_ends']}"
    yield ""
    if not figures["calls"]:
        yield "There were no calls."
        return
    yield _headline(figures, figures["change_of_cost_percent"])
    if before["calls"]:
        yield f"The week before: {before['calls']} calls for {_cost(before)}."
    left_out = KnownCost(None, figures["unpriced_calls"], figures["unpriced_tokens"]).left_out
    if left_out:
        yield f"{left_out}."
    yield (
        f"{figures['failed']} calls failed ({figures['failed_percent']} %); the cache gave"
        f" {figures['answers_from_the_cache']} answers and saved {_saving(figures)}."
    )
    if figures["p95_latency_ms"] is not None:
        yield f"19 of 20 calls took at most {figures['p95_latency_ms']} ms."
    if figures["forecast_of_the_month_usd"] is not None:
        yield f"This month will cost about ${figures['forecast_of_the_month_usd']}."
    for title, key in (("Models", "models"), ("Nodes", "nodes")):
        yield ""
        yield f"{title}, dearest first:"
        for line in figures[key]:
            yield f"- {line['name']}: {line['calls']} calls, {_cost(line)}"
    if figures["errors"]:
        yield ""
        yield "Errors:"
        for line in figures["errors"]:
            yield f"- {line['name']}: {line['calls']}"


def _headline(figures: Mapping[str, Any], change: str | None) -> str:
    partly = figures["unpriced_calls"] or figures["week_before"]["unpriced_calls"]
    known = " as far as known" if partly else ""
    changed = "" if change is None else f", {change} % against the week before{known}"
    return f"{figures['calls']} calls cost {_cost(figures)}{changed}."


def _cost(figures: Mapping[str, Any]) -> str:
    """A sum, with how many of its calls aren't in it."""
    return _dollars(figures["cost_usd"], figures.get("unpriced_calls", 0))


def _saving(figures: Mapping[str, Any]) -> str:
    unknown = figures["answers_from_the_cache_with_unknown_saving"]
    return _dollars(figures["saved_by_the_cache_usd"], unknown)


def _dollars(amount: str | None, unpriced: int) -> str:
    if amount is None:
        return "an unknown amount"
    return f"${amount}" + (f" + {unpriced} {UNPRICED}" if unpriced else "")


def _names(figures: Mapping[str, Any]) -> set[str]:
    """As a whole, and the parts of `provider/model`."""
    lines = [*figures["models"], *figures["nodes"], *figures["errors"]]
    names = {str(line["name"]) for line in lines}
    return {part for name in names for part in (name, name.partition("/")[2]) if part}


def _numbers(value: Any) -> Iterator[Decimal]:
    """Every number in the figures; of dates each part."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            if key != "name":
                yield from _numbers(each)
    elif isinstance(value, list):
        for each in value:
            yield from _numbers(each)
    elif isinstance(value, (str, int)):
        for each in NUMBER.findall(str(value)):
            yield _value(each)


def _value(number: str) -> Decimal:
    """Thousands may be set apart by commas; `05` is 5."""
    return Decimal(number.replace(",", "")) if number.count(".") <= 1 else Decimal(-1)

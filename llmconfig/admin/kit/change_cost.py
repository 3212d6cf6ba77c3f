"""What a form's changes would have cost on past calls, told before they are saved."""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from msgspec import Struct

from llmconfig.admin.kit.presentation import NOTHING
from llmconfig.configuration.cost_of_changes import (
    CostOfChange,
    DollarRange,
    EstimateTookTooLong,
    NodeCost,
    cost_of_saving,
    notes,
)
from llmconfig.configuration.known_costs import money
from llmconfig.configuration.numbers import count

# What the script beside the button says, which puts the answer below it; else it is a page.
ASKED_BY_SCRIPT = "x-nodewise-part"


class CostLine(Struct, frozen=True):
    """A node's costs as the table shows them."""

    node: str
    calls: str
    before: str
    after: str
    before_usd: str
    after_usd: str
    difference: str


def cost_response(
    request: HttpRequest, filled: "Iterable[forms.ModelForm[Any]]", *, back: str
) -> HttpResponse:
    """The cost of what these bound forms change, or what is wrong in them; saves nothing.

    `back` is the page of the forms.
    """
    filled = list(filled)
    problems = [problem for form in filled for problem in _problems(form)]
    context: dict[str, Any] = {"problems": problems}
    if not problems:
        context = _told(lambda: _save(filled))
    if request.headers.get(ASKED_BY_SCRIPT):
        return TemplateResponse(request, "nodewise/cost_of_change.html", context)
    context |= admin.site.each_context(request)
    context |= {"title": gettext("Cost of the change"), "back": back}
    return TemplateResponse(request, "nodewise/cost_of_change_page.html", context)


def _problems(form: "forms.ModelForm[Any]") -> Iterator[str]:
    for name, errors in form.errors.items():
        label = form.fields[name].label if name in form.fields else ""
        yield from (f"{label}: {error}" if label else str(error) for error in errors)


def _save(filled: "Iterable[forms.ModelForm[Any]]") -> None:
    for form in filled:
        if form.has_changed():
            form.save()


def _told(save: Callable[[], None]) -> dict[str, Any]:
    try:
        found = cost_of_saving(save)
    except EstimateTookTooLong as error:
        said = gettext(
            "{why} `manage.py sync_llm_config --check --cost` takes the time that it needs."
        ).format(why=error)
        return {"problems": [said]}
    return {"found": found, **(_shown(found) if found is not None else {})}


def _shown(found: CostOfChange) -> dict[str, Any]:
    lines = [_line(each) for each in found.nodes]
    said = [f"{each.node}: {note}" for each in found.nodes for note in notes(each)]
    return {"lines": lines, "notes": said, "total": _difference(found.total), "days": found.days}


def _line(cost: NodeCost) -> CostLine:
    return CostLine(
        node=cost.node,
        calls=count(cost.calls),
        before=cost.before or gettext("nobody"),
        after=cost.after or gettext("nobody"),
        before_usd=NOTHING if cost.before_usd is None else _money(cost.before_usd),
        after_usd=NOTHING if cost.after_usd is None else _money(cost.after_usd.p50),
        difference=_difference(cost.difference),
    )


def _difference(found: DollarRange | None) -> str:
    if found is None:
        return gettext("unknown")
    low, middle, high = (_signed(each) for each in (found.p10, found.p50, found.p90))
    if low == high:
        return middle
    return gettext("{middle} ({low} to {high})").format(middle=middle, low=low, high=high)


def _signed(usd: float) -> str:
    return f"{'-' if usd < 0 else '+'}{_money(abs(usd))}"


def _money(usd: float) -> str:
    return money(Decimal(str(round(usd, 6))))

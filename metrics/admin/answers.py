"""How good answers were, side by side; each line leads to its calls."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from llmconfig.configuration.numbers import count
from metrics.admin.periods import DEFAULT_DAYS
from metrics.analyzers.quality import Grouping, Quality, quality

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

PERMISSION = "metrics.view_generationhistory"
PERIODS = {1: _("24 hours"), 7: _("7 days"), 31: _("31 days"), 92: _("3 months")}
ALWAYS = {
    "passed": _("Passed"), "accepted": _("Accepted"), "edited": _("Edited"), "score": _("Score"),
}  # fmt: skip
WHERE_CHECKED = {
    "syntax_valid": _("Valid syntax"), "type_hints": _("Type hints"), "compliant": _("Compliant"),
    "safe": _("No findings"),
}  # fmt: skip


def quality_view(request: HttpRequest) -> HttpResponse:
    """The groups of a period, the most answers first."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    asked, by = request.GET.get("days", ""), request.GET.get("by", "")
    days = int(asked) if asked in {str(each) for each in PERIODS} else DEFAULT_DAYS
    grouping = Grouping(by) if by in Grouping.values else Grouping.PROMPT_AND_MODEL
    now = dt.datetime.now(dt.UTC)
    # As on the overview: today is the last of the days.
    back = dt.timedelta(hours=23) if days == 1 else dt.timedelta(days=days - 1)
    found = quality(since=now - back, until=now, by=grouping)
    columns = _columns(found)
    context = {
        **admin.site.each_context(request),
        "title": gettext("Quality"),
        "days": days,
        "by": grouping.value,
        "periods": PERIODS,
        "groupings": Grouping.choices,
        "columns": list(columns.values()),
        "lines": [_line(each, columns, days) for each in found],
        "rules_url": reverse("admin:metrics_qualityrule_changelist"),
    }
    return TemplateResponse(request, "nodewise/quality.html", context)


def quality_urls() -> list[URLPattern]:
    """The addresses of the page about answers' quality."""
    return [path("all/", admin.site.admin_view(quality_view), name="metrics_quality")]


def _columns(rows: Sequence[Quality]) -> "dict[str, StrPromise]":
    """Those of checks only where one of them looked at an answer."""
    checked = {
        name: label
        for name, label in WHERE_CHECKED.items()
        if any(getattr(row, name).number for row in rows)
    }
    return ALWAYS | checked


def _line(row: Quality, columns: "Mapping[str, StrPromise]", days: int) -> dict[str, Any]:
    """As the table shows it."""
    address = reverse("admin:metrics_generationmetric_changelist")
    filters = {"days": str(days)} | _filters(row.keys)
    return {
        "name": row.name or gettext("not reported"),
        "address": f"{address}?{urlencode(filters)}",
        "answers": count(row.passed.number),
        "cells": [_figure(row, name) for name in columns],
    }


def _filters(keys: Mapping[str, str | int | None]) -> dict[str, str]:
    """What the list of calls takes."""
    found = {"node": keys.get("node"), "by": keys.get("provider"), "model": keys.get("model")}
    operation, version = keys.get("operation"), keys.get("version")
    found["prompt"] = f"{operation} v{version}" if operation and version is not None else operation
    return {name: str(value) for name, value in found.items() if value not in {None, ""}}


def _figure(row: Quality, name: str) -> tuple[str, str]:
    """A value, and where the true one lies; blank where nothing was judged."""
    value, _, reach = str(getattr(row, name)).partition(" ")
    return value, reach

"""Listings from a file, in the browser: a preview with the columns' meaning, then the import.

The file stays in the page and is sent with each step, so that no server has to keep it.
"""

import re
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from enrichment.admin.chosen_rows import start_address
from enrichment.listings.errors import BadListings
from enrichment.listings.importing.importer import (
    FileColumns,
    ImportOptions,
    import_listings,
    read_columns,
)
from enrichment.listings.importing.mapping import (
    FIELDS,
    KEY,
    NEEDED_TO_ADD,
    ORGANIZATION,
    ORGANIZATION_ID,
)
from enrichment.listings.importing.report import Example, ImportReport
from enrichment.listings.models import Animal
from llmconfig.configuration.numbers import count
from llmconfig.runtime.records import replace

FRAGMENT = "X-Fragment"  # the page's script wants the preview alone
BAD_SHOWN = 50
EXAMPLES_SHOWN = 5
SAMPLE_ROWS = 200
MAX_NAME = 200  # characters of an organization's name
ORDERS = (
    ("", _("Detect the order")),
    ("dmy", _("Day first: 31/12/2026")),
    ("mdy", _("Month first: 12/31/2026")),
)
# The others are columns of the table, which have names.
FIELD_NAMES = {
    KEY: _("ID"),
    ORGANIZATION_ID: _("ID of the organization"),
    ORGANIZATION: _("Organization"),
}
_OF_A_TERMINAL = re.compile(r"[^.:;]*--\w[^.;]*[.;]?")


def may_import(request: HttpRequest) -> bool:
    """Whoever may add listings and change those that are there."""
    return request.user.has_perms(("listings.add_animal", "listings.change_animal"))


def import_view(request: HttpRequest) -> HttpResponse:
    """Choose a file, see what it would do, import it."""
    if not may_import(request):
        raise PermissionDenied
    shown: dict[str, Any] = {}
    if request.method == "POST":
        shown = _read(request)
        if shown.get("imported"):
            listings = reverse("admin:listings_animal_changelist")
            # The page's script goes there itself: following a redirect, it would read the message.
            if request.headers.get(FRAGMENT):
                return HttpResponse(status=204, headers={"X-Location": listings})
            return HttpResponseRedirect(listings)
        if request.headers.get(FRAGMENT):
            return TemplateResponse(request, "nodewise/import_preview.html", shown)
    return TemplateResponse(
        request,
        "nodewise/import_listings.html",
        {
            **admin.site.each_context(request),
            "title": gettext("Import listings"),
            "orders": ORDERS,
            "fields": _named_fields(),
            "sample": sample_file() is not None,
            **shown,
        },
    )


def sample_view(request: HttpRequest) -> HttpResponse:
    """Import the shipped sample."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    path = sample_file()
    if not may_import(request) or path is None:
        raise PermissionDenied
    report = import_listings(path, limit=SAMPLE_ROWS)
    messages.success(
        request,
        " ".join((_counted(report), gettext("These are sample listings."))),
    )
    back = "admin:index" if request.POST.get("from") == "overview" else None
    return HttpResponseRedirect(reverse(back or "admin:listings_animal_changelist"))


def sample_file() -> Path | None:
    """The sample of this installation (LISTINGS_SAMPLE_FILE); None where it has none."""
    name = getattr(settings, "LISTINGS_SAMPLE_FILE", "")
    return Path(name) if name and Path(name).exists() else None


def _read(request: HttpRequest) -> dict[str, Any]:
    """What the page shows after a step; `imported` where all is done."""
    upload = request.FILES.get("file")
    if upload is None:
        return {"refusal": gettext("Choose a file first.")}
    names = request.POST.getlist("column")
    mapping = dict(zip(names, request.POST.getlist("field"), strict=False))
    options = ImportOptions(
        mapping=mapping,
        order=request.POST.get("order", ""),
        organization=request.POST.get("organization", "")[:MAX_NAME],
    )
    final = request.POST.get("do") == "import"
    columns: FileColumns | None = None
    try:
        columns = read_columns(upload)
        # A mapping is of the file that it was made for; another file starts anew.
        if not set(mapping) <= columns.fields.keys():
            options = replace(options, mapping={})
        report = import_listings(upload, dry_run=not final, options=options)
    except BadListings as refusal:
        told = _without_flags(str(refusal))
        if columns is not None and refusal.field in {"map", KEY}:
            told = " ".join((told, gettext("Choose below what each column is.")))
        return {"refusal": told, **_mapped(columns, options.mapping)}
    if final and not report.bad:
        messages.success(request, _counted(report))
        return {"imported": True}
    return {
        "report": _shown(report),
        "final": final,
        "start": start_address(table=Animal._meta.label),  # noqa: SLF001 - documented
        **_mapped(columns, options.mapping),
    }


def _mapped(columns: FileColumns | None, mapping: Any) -> dict[str, Any]:
    """Each column with the field that it fills now, for a table of choices."""
    if columns is None:
        return {}
    return {
        "columns": [(name, mapping.get(name, field)) for name, field in columns.fields.items()],
        "fields": _named_fields(),
        "needed": [label for field, label in _named_fields() if field in (KEY, *NEEDED_TO_ADD)],
    }


def _named_fields() -> list[tuple[str, str]]:
    """Each field that a column can fill, with its name for people."""
    column: Any = Animal._meta.get_field  # noqa: SLF001 - documented
    return [
        (
            field,
            str(FIELD_NAMES.get(field) or capfirst(column(field).verbose_name)),
        )
        for field in FIELDS
    ]


def _shown(report: ImportReport) -> dict[str, Any]:
    source = report.source
    how = (source.format, source.encoding, source.separator, source.sheet)
    return {
        "how": ", ".join(filter(None, how)),
        "figures": (
            (gettext("new"), count(report.added)),
            (gettext("changed"), count(report.updated)),
            (gettext("unchanged"), count(report.unchanged)),
            (gettext("skipped"), count(len(report.bad))),
        ),
        "usable": report.added + report.updated,
        "usable_shown": count(report.added + report.updated),
        "notes": [_without_flags(note) for note in report.notes],
        "bad": report.bad[:BAD_SHOWN],
        "more_bad": max(0, len(report.bad) - BAD_SHOWN),
        "examples": [
            *_examples(report.examples, is_new=True),
            *_examples(report.examples, is_new=False),
        ],
    }


def _examples(examples: list[Example], *, is_new: bool) -> list[Example]:
    return [each for each in examples if each.is_new is is_new][:EXAMPLES_SHOWN]


def _counted(report: ImportReport) -> str:
    return gettext("{added} listings added, {updated} changed, {unchanged} unchanged.").format(
        added=count(report.added), updated=count(report.updated), unchanged=count(report.unchanged)
    )


def _without_flags(text: str) -> str:
    """A message without the hints that only help at a terminal."""
    told = _OF_A_TERMINAL.sub("", text).strip(" :;")
    return f"{told.removesuffix('.')}." if told else text

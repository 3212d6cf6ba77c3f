"""Weekly reports, and providers' bills beside our sums."""

import datetime as dt
from decimal import Decimal
from io import StringIO
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from llmconfig.admin.kit.presentation import NOTHING, badge
from llmconfig.admin.kit.writes import ReadOnlyAdmin
from llmconfig.configuration import snapshot
from llmconfig.configuration.known_costs import KnownCost, money, total
from llmconfig.configuration.numbers import count
from metrics.errors import ExportUnreadable, Unanswerable
from metrics.models import BilledUsage, WeeklyReport
from metrics.reports.reconciliation import SHAPES, BillingDifference, differences, import_export

PERIODS = {7: _("7 days"), 31: _("31 days"), 92: _("3 months"), 366: _("12 months")}
USUAL_DAYS = 31
MAX_BYTES = 50 * 1024 * 1024
LEAST = Decimal("0.0001")
LARGE = Decimal("0.01")  # a difference of so much of the bill is pointed out


@admin.register(WeeklyReport)
class WeeklyReportAdmin(ReadOnlyAdmin):
    """The weekly reports in words; read only."""

    list_display = ("week", "calls", "cost", "teller", "sent_at")
    fieldsets = ((None, {"fields": ("week_start", "teller", "remark", "created_at", "sent_at")}),)
    readonly_fields = ("teller",)
    change_form_outer_before_template = "nodewise/weekly_report.html"

    @admin.display(description=_("Week of"), ordering="week_start")
    def week(self, row: WeeklyReport) -> str:
        return date_format(row.week_start, "j F Y")

    @admin.display(description=_("Calls"))
    def calls(self, row: WeeklyReport) -> str:
        return count(row.figures["calls"])

    @admin.display(description=_("Cost"))
    def cost(self, row: WeeklyReport) -> str:
        cost, unpriced = row.figures["cost_usd"], row.figures["unpriced_calls"]
        return str(KnownCost(None if cost is None else Decimal(cost), unpriced))

    @admin.display(description=_("Written by"))
    def teller(self, row: WeeklyReport) -> str | SafeString:
        return row.written_by or badge(gettext("plain"), "plain")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """An empty list says how to fill it."""
        if not WeeklyReport.objects.exists():
            messages.info(
                request,
                gettext(
                    "No report yet: Celery beat writes one every Monday; `manage.py "
                    "llm_report` writes one now."
                ),
            )
        return super().changelist_view(request, extra_context)


@admin.register(BilledUsage)
class BilledUsageAdmin(ReadOnlyAdmin):
    """What a provider bills beyond what was recorded, by day and model."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The differences, and the form to import an export."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        may_import = request.user.has_perm("metrics.add_billedusage")
        if request.method == "POST":
            if not may_import:
                raise PermissionDenied
            return _imported(request)
        imported = BilledUsage.objects.order_by("provider").values_list("provider", flat=True)
        providers = sorted({*imported.distinct(), *snapshot.current().providers})
        wanted = request.GET.get("provider")
        chosen = wanted if wanted in providers else next(iter(imported), "")
        asked = request.GET.get("days", "")
        days = int(asked) if asked in {str(each) for each in PERIODS} else USUAL_DAYS
        until = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
        try:
            found = differences(chosen, since=until - dt.timedelta(days=days), until=until)
        except Unanswerable:
            found = []
        context = {
            **admin.site.each_context(request),
            "title": gettext("Reconciliation"),
            "providers": providers,
            "chosen": chosen,
            "days": days,
            "periods": PERIODS,
            "shapes": ", ".join(SHAPES),
            "may_import": may_import,
            "lines": [_line(each) for each in found],
            "total": _total(found),
        }
        return TemplateResponse(request, "nodewise/reconciliation.html", context)


def _imported(request: HttpRequest) -> HttpResponse:
    provider, file = request.POST.get("provider", ""), request.FILES.get("export")
    back = f"{reverse('admin:metrics_billedusage_changelist')}?{urlencode({'provider': provider})}"
    if file is None or provider not in snapshot.current().providers:
        messages.error(request, gettext("Choose a provider and a file."))
        return HttpResponseRedirect(back)
    if (file.size or 0) > MAX_BYTES:
        messages.error(request, gettext("The file is over 50 MB: use `manage.py llm_reconcile`."))
        return HttpResponseRedirect(back)
    skip = request.POST.get("skip_bad") == "on"
    try:
        lines = StringIO(file.read().decode("utf-8-sig"), newline="")
        done = import_export(lines, provider=provider, skip_bad=skip)
    except (ExportUnreadable, UnicodeDecodeError) as error:
        messages.error(request, f"{file.name}: {error}")
    else:
        told = gettext("{shape}: {lines} lines imported, for {rows} days and models.").format(
            shape=done.shape, rows=done.rows, lines=done.lines
        )
        left_out = (
            gettext("Line {number}: {reason}.").format(number=each.number, reason=each.reason)
            for each in done.skipped[:20]
        )
        messages.success(request, " ".join((told, *left_out)))
    return HttpResponseRedirect(back)


def _line(each: BillingDifference) -> dict[str, Any]:
    """As the table shows it."""
    theirs = each.theirs.cost_usd
    odd = each.cost_usd is not None and abs(each.cost_usd) >= max(
        LARGE * abs(theirs or Decimal(0)), LEAST
    )
    return {
        "day": each.day,
        "model": each.model,
        "requests": _pair(each.ours.requests, each.theirs.requests),
        "tokens": _pair(
            (each.ours.tokens_input or 0) + (each.ours.tokens_output or 0),
            None
            if each.theirs.tokens_input is None
            else each.theirs.tokens_input + (each.theirs.tokens_output or 0),
        ),
        "ours": str(KnownCost.of(each.ours.cost_usd, each.unpriced)),
        "theirs": NOTHING if theirs is None else money(theirs),
        "difference": NOTHING if each.cost_usd is None else _signed(each.cost_usd),
        "odd": odd,
        "only": "" if each.ours.requests else gettext("not recorded"),
    }


def _pair(ours: int | None, theirs: int | None) -> str:
    return f"{count(ours or 0)} / {'?' if theirs is None else count(theirs)}"


def _total(found: list[BillingDifference]) -> str:
    """All differences together, in words."""
    known = [each.cost_usd for each in found if each.cost_usd is not None]
    whole = sum(known, Decimal(0))
    if not known:
        return ""
    ours = total(KnownCost(None, each.unpriced, each.unpriced_tokens) for each in found)
    left_out = ours.left_out
    if abs(whole) < LEAST:
        told = (
            gettext("matches the records, except for {left_out}")
            if left_out
            else gettext("matches the records")
        )
    elif whole > 0:
        told = (
            gettext("bills {money} more than recorded, except for {left_out}")
            if left_out
            else gettext("bills {money} more than recorded")
        )
    else:
        told = (
            gettext("bills {money} less than recorded, except for {left_out}")
            if left_out
            else gettext("bills {money} less than recorded")
        )
    return told.format(money=money(abs(whole)), left_out=left_out)


def _signed(amount: Decimal) -> str:
    """Theirs less ours; what is below a hundredth of a cent is no difference."""
    return (
        gettext("none")
        if abs(amount) < LEAST
        else f"{'+' if amount > 0 else '-'}{money(abs(amount))}"
    )

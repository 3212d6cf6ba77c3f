"""An API key's page: what it has spent and may, how to use it, and its rotation."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from msgspec import Struct

from llmconfig.admin.kit.panels import key_panels
from llmconfig.client.traffic.budget_outlook import outlook, with_spending
from llmconfig.configuration import snapshot
from llmconfig.configuration.known_costs import money
from llmconfig.configuration.revisions import change
from llmconfig.errors import ChangeRefused
from llmconfig.gateway.keys import rotate
from llmconfig.models import Budget, BudgetScope, GatewayKey

CHANGE = "llmconfig.change_gatewaykey"
OVERLAPS = {
    0: _("stops working at once"),
    1: _("works for 1 more hour"),
    24: _("works for 24 more hours"),
    168: _("works for 7 more days"),
    720: _("works for 30 more days"),
}
USUAL_OVERLAP = 24
# What an application sends; the key stands in a variable, never in the text.
SNIPPETS = (
    ("curl", """curl {base}/chat/completions \\
  -H "Authorization: Bearer $NODEWISE_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello"}}]}}'"""),
    ("Python", """from os import getenv

from openai import OpenAI

client = OpenAI(base_url="{base}", api_key=getenv("NODEWISE_KEY"))
answer = client.chat.completions.create(
    model="{model}", messages=[{{"role": "user", "content": "Hello"}}]
)
print(answer.choices[0].message.content)"""),
    ("TypeScript", """import OpenAI from "openai";

const client = new OpenAI({{ baseURL: "{base}", apiKey: process.env.NODEWISE_KEY }});
const answer = await client.chat.completions.create({{
  model: "{model}",
  messages: [{{ role: "user", content: "Hello" }}],
}});
console.log(answer.choices[0].message.content);"""),
)  # fmt: skip


class KeyBudget(Struct, frozen=True):
    """A budget that counts the key's calls, in words."""

    name: str
    page: str
    spent: str
    left: str


def key_context(request: HttpRequest, row: GatewayKey) -> dict[str, Any]:
    """What the page shows beside the form."""
    budgets = with_spending(
        Budget.objects.filter(scope=BudgetScope.ACCOUNT, scope_value=row.name, is_enabled=True)
    )
    kept = row.previous_until is not None and row.previous_until > timezone.now()
    return {
        "key_row": row,
        "key_budgets": [_budget(each) for each in budgets]
        if request.user.has_perm("llmconfig.view_budget") else [],
        "budget_url": f"{reverse('admin:llmconfig_budget_add')}?applies_to=account:{row.name}"
        if request.user.has_perm("llmconfig.add_budget") else "",
        "key_panels": key_panels(request, row.name),
        "snippets": [
            (name, text.format(base=request.build_absolute_uri("/v1"), model=_model_of(row)))
            for name, text in SNIPPETS
        ],
        "may_rotate": request.user.has_perm(CHANGE),
        "overlaps": OVERLAPS,
        "usual_overlap": USUAL_OVERLAP,
        "previous_until": row.previous_until if kept else None,
    }  # fmt: skip


def _budget(budget: Budget) -> KeyBudget:
    seen = outlook(budget)
    return KeyBudget(
        budget.name,
        reverse("admin:llmconfig_budget_change", args=[budget.pk]),
        gettext("{spent_usd} of {limit_usd}").format(
            spent_usd=money(seen.spent_usd), limit_usd=money(seen.limit_usd)
        ),
        money(seen.left_usd),
    )


def _model_of(row: GatewayKey) -> str:
    """A name that the key may call."""
    return next(iter(row.names), next(iter(sorted(snapshot.current().nodes)), "reasoning"))


def rotate_view(request: HttpRequest, key_id: str) -> HttpResponse:
    """Make another key for the row, shown now and never again."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not request.user.has_perm(CHANGE):
        raise PermissionDenied
    hours = request.POST.get("overlap_hours", "")
    user = request.user if request.user.is_authenticated else None
    try:
        with change(source="admin", user=user, message="Rotated an API key."):
            row = get_object_or_404(GatewayKey.objects.select_for_update(), pk=key_id)
            overlap = timedelta(hours=int(hours) if hours.isdecimal() and len(hours) < 5 else -1)
            made = rotate(row, overlap=overlap)
    except ChangeRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.warning(
            request,
            gettext("New key for {name}: {key} . Copy it now: it is not shown again.").format(
                name=row.name, key=made.reveal()
            ),
        )
    return HttpResponseRedirect(reverse("admin:llmconfig_gatewaykey_change", args=[key_id]))

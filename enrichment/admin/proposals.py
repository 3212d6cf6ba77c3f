"""Proposals for prompts: why, what would change, and buttons to adopt or dismiss one."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from msgspec import Struct

from enrichment.admin.review_values import compared
from enrichment.errors import EnrichmentError
from enrichment.models import Prompt
from enrichment.prompts import prompt_proposals
from llmconfig.admin.kit.presentation import badge, link
from llmconfig.admin.kit.writes import ReadOnlyAdmin
from metrics.analyzers.quality import Quality
from metrics.errors import MetricsError
from metrics.models import PromptProposal
from metrics.models.patterns import ProposalState
from metrics.patterns.proposals import ALPHA, effect

PERMISSION = "enrichment.change_prompt"
TONES = {
    ProposalState.OPEN: "warning",
    ProposalState.ADOPTED: "good",
    ProposalState.DISMISSED: "plain",
}
VERBS = ("adopt", "dismiss")


class Measure(Struct, frozen=True):
    """One line of before and after."""

    label: str
    before: str
    after: str
    verdict: str
    tone: str


def measures(proposal: PromptProposal) -> list[Measure]:
    """How each measure of the answers changed with the adoption; empty before it."""
    found = effect(proposal)
    if found is None:
        return []
    lines = []
    for label, name, p in (
        (gettext("Passed all checks"), "passed", found.p_passed),
        (gettext("Accepted by reviewers"), "accepted", found.p_accepted),
        (gettext("Score"), "score", found.p_score),
    ):
        before, after = _figure(found.before, name), _figure(found.after, name)
        verdict, tone = gettext("too few answers yet"), "plain"
        if p is not None:
            better = _value(found.after, name) > _value(found.before, name)
            verdict = gettext("no difference beyond chance")
            if p < ALPHA:
                verdict, tone = (
                    (gettext("better"), "good") if better else (gettext("worse"), "danger")
                )
        lines.append(Measure(label, before, after, verdict, tone))
    return lines


def _figure(group: Quality | None, name: str) -> str:
    return "-" if group is None else str(getattr(group, name))


def _value(group: Quality | None, name: str) -> float:
    if group is None:
        return 0.0
    return group.score.mean if name == "score" else float(getattr(group, name).value or 0)


@admin.register(PromptProposal)
class PromptProposalAdmin(ReadOnlyAdmin):
    """What past answers say a prompt should say."""

    list_display = ("__str__", "why", "outcome", "became", "created_at")
    list_filter = ("state", "operation_type")
    search_fields = ("operation_type",)
    list_select_related = ("decided_by",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "operation_type", "prompt_version", "outcome", "became", "wording",
                    "created_at", "updated_at", "decided_by", "decided_at",
                )
            },
        ),
    )  # fmt: skip
    readonly_fields = ("outcome", "became", "wording")
    change_form_outer_before_template = "nodewise/proposal.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.decide_view)
        address = "<int:proposal_id>/decide/<str:verb>/"
        return [
            path(address, view, name="metrics_promptproposal_decide"),
            *super().get_urls(),
        ]

    def decide_view(self, request: HttpRequest, proposal_id: int, verb: str) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not request.user.has_perm(PERMISSION) or verb not in VERBS:
            raise PermissionDenied
        user: Any = request.user
        try:
            if verb == "adopt":
                made = prompt_proposals.adopt(proposal_id, user=user)
                messages.success(request, gettext("{prompt} is now in use.").format(prompt=made))
            else:
                prompt_proposals.dismiss(proposal_id, user=user)
                messages.success(
                    request, gettext("Dismissed: it won't be proposed again for the same reasons.")
                )
        except (EnrichmentError, MetricsError) as refusal:
            messages.error(request, str(refusal))
        return HttpResponseRedirect(_page(proposal_id))

    @admin.display(description=_("Why"))
    def why(self, proposal: PromptProposal) -> str:
        first = proposal.findings[0]
        told = (
            gettext("{said} ({answers} of {total}) and {number} more")
            if len(proposal.findings) > 1
            else gettext("{said} ({answers} of {total})")
        )
        return told.format(
            said=first["said"][:80],
            answers=first["answers"],
            total=first["of"],
            number=len(proposal.findings) - 1,
        )

    @admin.display(description=_("State"), ordering="state")
    def outcome(self, proposal: PromptProposal) -> SafeString:
        state = ProposalState(proposal.state)
        return badge(state.label, TONES[state])

    @admin.display(description=_("Adopted as"))
    def became(self, proposal: PromptProposal) -> str | SafeString:
        """The version that it was adopted as."""
        if proposal.adopted_version is None:
            return "-"
        made = Prompt.objects.filter(
            enrichment=proposal.operation_type, version=proposal.adopted_version
        ).first()
        label = gettext("version {version}").format(version=proposal.adopted_version)
        return (
            link(reverse("admin:enrichment_prompt_change", args=[made.pk]), label)
            if made
            else label
        )

    @admin.display(description=_("Drafted by"))
    def wording(self, proposal: PromptProposal) -> str:
        return proposal.worded_by or gettext("fixed rules")

    def fill_page(self, request: HttpRequest, obj: Model | None, context: dict[str, Any]) -> None:
        """With the evidence, the change on a real row, and the effect."""
        if isinstance(obj, PromptProposal):
            context |= {
                "proposal": obj,
                "measures": measures(obj),
                "may_decide": obj.state == ProposalState.OPEN and request.user.has_perm(PERMISSION),
                "calls_url": reverse("admin:metrics_generationmetric_changelist"),
            }
            try:
                shown = prompt_proposals.preview(obj)
            except EnrichmentError as refusal:
                context["refusal"] = str(refusal)
            else:
                context["preview"] = shown
                context["sides"] = [
                    (gettext("Instructions"), *compared(shown.before.system, shown.after.system)),
                    *(
                        [(gettext("Message"), *compared(shown.before.user, shown.after.user))]
                        if shown.before.user != shown.after.user
                        else []
                    ),
                ]


def _page(proposal_id: int) -> str:
    return reverse("admin:metrics_promptproposal_change", args=[proposal_id])

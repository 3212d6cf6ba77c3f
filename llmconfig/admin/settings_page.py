"""LLM settings: one page, with the model of each interaction type and the providers."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from msgspec import Struct

from llmconfig import provider_types
from llmconfig.admin.explain import describe
from llmconfig.admin.kit.change_cost import cost_response
from llmconfig.admin.kit.listed_models import ListedModelsForm
from llmconfig.admin.kit.provider_health import badge_of, with_health
from llmconfig.admin.kit.theme import TextWidget
from llmconfig.admin.kit.writes import SEEN, conflict, current_revision
from llmconfig.admin.provider_words import key_state, status_badge
from llmconfig.admin.providers import OPERATE
from llmconfig.configuration import snapshot
from llmconfig.configuration.cost_of_changes import is_estimated
from llmconfig.configuration.resolution import explain
from llmconfig.configuration.revisions import change
from llmconfig.models import GlobalConfig, InteractionType, Provider

PURPOSES = {
    InteractionType.REASONING: _("Reasoning: supervisors, open questions"),
    InteractionType.TOOLS: _("Choosing tools and reading their results"),
    InteractionType.SUBAGENTS: _("Specialised, focused tasks"),
    InteractionType.PLANNING: _("Plans and lists of steps"),
    InteractionType.EMBEDDINGS: _("Vectors for search"),
    InteractionType.TAGGER: _("Tags and entities of rows"),
    InteractionType.ENRICHER: _("Cleaned texts, profiles, translations"),
    InteractionType.ANALYTICS: _("Reports on figures"),
    InteractionType.RESPONDER: _("Answers to people"),
    InteractionType.JUDGE: _("Judging other models' answers"),
}


class TypeForm(ListedModelsForm):
    """One interaction type's model and parameters, as a line of the table."""

    class Meta:
        model = GlobalConfig
        fields = ("model", "temperature", "max_tokens", "allow_unlisted_models")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        label = InteractionType(self.instance.interaction_type).label
        self.fields["model"].widget = TextWidget(
            attrs={
                "list": "llm-models",
                "placeholder": gettext("inherited"),
                "aria-label": gettext("{kind}: model").format(kind=label),
            }
        )
        self.fields["temperature"].widget.attrs |= {"step": "0.1", "min": "0", "max": "2"}
        self.fields["allow_unlisted_models"].widget.attrs["aria-label"] = gettext(
            "{kind}: allow an unlisted model"
        ).format(kind=label)
        for name in ("temperature", "max_tokens"):
            attrs = self.fields[name].widget.attrs
            attrs |= {
                "placeholder": gettext("inherited"),
                "aria-label": f"{label}: {self.fields[name].label}",
                "class": TextWidget().attrs.get("class", ""),
            }


class TypeLine(Struct, frozen=True):
    """One interaction type: its form, and what answers it now."""

    label: str
    purpose: str
    form: TypeForm
    target: str
    warning: str
    page: str


class ProviderCard(Struct, frozen=True):
    """One provider as the second tab shows it."""

    provider: Provider
    type: str
    status: SafeString
    health: SafeString  # blank: nobody watches providers, or this one isn't used
    key: SafeString
    models: int
    address: str
    page: str
    test: str


def settings_view(request: HttpRequest) -> HttpResponse:
    """Show both tabs; save the whole table as one revision."""
    if not request.user.has_perm("llmconfig.view_globalconfig"):
        raise PermissionDenied
    posted = request.POST if request.method == "POST" else None
    if posted is not None and not request.user.has_perm("llmconfig.change_globalconfig"):
        raise PermissionDenied
    seen = current_revision() if posted is None else posted.get(SEEN, "")
    refusal = ""
    if posted is not None:
        with change(
            source="admin",
            user=request.user if request.user.is_authenticated else None,
            message="Changed the models of the interaction types.",
        ):
            rows = _rows(locked=True)
            forms_ = _forms(rows, posted)
            refusal = conflict(str(seen), [row for row in rows if row.pk])
            invalid = [form for form in forms_ if not form.is_valid()]
            if not refusal and not invalid:
                return _save(request, forms_)
    else:
        forms_ = _forms(_rows(), None)
    return TemplateResponse(
        request,
        "nodewise/llm_settings.html",
        {
            **admin.site.each_context(request),
            "title": gettext("LLM settings"),
            "tab": "providers" if request.GET.get("tab") == "providers" else "models",
            "lines": [_line(form) for form in forms_],
            "cards": _cards() if request.user.has_perm("llmconfig.view_provider") else [],
            "references": _references(),
            "may_change": (may_change := request.user.has_perm("llmconfig.change_globalconfig")),
            "cost_url": reverse("admin:llm_settings_cost") if may_change and is_estimated() else "",
            "cost_form": "llm-settings",
            "may_test": request.user.has_perm(OPERATE),
            "may_add_provider": request.user.has_perm("llmconfig.add_provider"),
            "enabled": bool(snapshot.current().processing.get("enabled")),
            "refusal": refusal,
            "seen_name": SEEN,
            "seen_revision": seen,
        },
    )


def settings_cost_view(request: HttpRequest) -> HttpResponse:
    """What the table as it was sent would have cost on past calls; saves nothing."""
    if not request.user.has_perm("llmconfig.change_globalconfig"):
        raise PermissionDenied
    back = reverse("admin:llm_settings")
    if request.method != "POST":
        return HttpResponseRedirect(back)
    return cost_response(request, _forms(_rows(), request.POST), back=back)


def _rows(*, locked: bool = False) -> list[GlobalConfig]:
    """All nine types in their order; those without a row get an unsaved one."""
    held = GlobalConfig.objects.select_for_update() if locked else GlobalConfig.objects.all()
    stored = {row.interaction_type: row for row in held}
    return [stored.get(each) or GlobalConfig(interaction_type=each) for each in InteractionType]


def _forms(rows: list[GlobalConfig], posted: Any) -> list[TypeForm]:
    return [TypeForm(posted, instance=row, prefix=row.interaction_type) for row in rows]


def _save(request: HttpRequest, filled: list[TypeForm]) -> HttpResponse:
    changed = [form for form in filled if form.has_changed()]
    for form in changed:
        form.save()
    if changed:
        names = ", ".join(str(form.instance.interaction_type) for form in changed)
        messages.success(
            request,
            gettext("Saved: {names}. Running processes follow within two seconds.").format(
                names=names
            ),
        )
    else:
        messages.info(request, gettext("Nothing was changed."))
    return HttpResponseRedirect(reverse("admin:llm_settings"))


def _line(form: TypeForm) -> TypeLine:
    kind = InteractionType(form.instance.interaction_type)
    found = explain(kind.value, snapshot=snapshot.current())
    stored = form.instance.pk
    return TypeLine(
        label=str(kind.label),
        purpose=str(PURPOSES[kind]),
        form=form,
        target=describe(found.targets[0]) if found.targets else "",
        warning=" ".join(found.warnings),
        page=reverse("admin:llmconfig_globalconfig_change", args=[stored]) if stored else "",
    )


def _cards() -> list[ProviderCard]:
    return [
        ProviderCard(
            provider=row,
            type=row.get_provider_type_display().partition(" (")[0],
            status=status_badge(row),
            health=badge_of(row) if row.is_enabled else SafeString(""),
            key=key_state(row),
            models=row.models_listed,
            address=row.api_base_url or provider_types.base_url_of(row.provider_type),
            page=reverse("admin:llmconfig_provider_change", args=[row.pk]),
            test=reverse("admin:llmconfig_provider_test", args=[row.pk]),
        )
        for row in with_health(Provider.objects.annotate(models_listed=Count("models")))
    ]


def _references() -> list[str]:
    """What the model fields offer: every tier and listed model."""
    state = snapshot.current()
    tiers = [f"tier:{name}" for name in sorted(state.tiers)]
    return tiers + sorted(f"{provider}/{model}" for provider, model in state.models)

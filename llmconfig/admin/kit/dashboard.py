"""The first page: widgets that the apps register, each from a few bounded queries."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from msgspec import Struct, field

from llmconfig.configuration import retirement, snapshot


class Widget(Struct, frozen=True):
    """One card. `template` draws it with `context`; `width` is its columns of 12 on a desktop."""

    template: str
    context: dict[str, Any] = field(default_factory=dict)
    width: int = 4


MAX_RETIRING = 10
Builder = Callable[[HttpRequest], Widget | None]  # None: nothing for this person
_BUILDERS: dict[str, tuple[int, Builder]] = {}


def register_widget(builder: Builder, *, rank: int) -> None:
    """Put a card on the dashboard; lower ranks come first."""
    _BUILDERS[f"{builder.__module__}.{builder.__qualname__}"] = rank, builder


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The theme's hook (UNFOLD in the settings)."""
    ranked = sorted(_BUILDERS.values(), key=lambda pair: pair[0])
    built = (builder(request) for _, builder in ranked)
    return {**context, "widgets": [widget for widget in built if widget is not None]}


def switch_widget(request: HttpRequest) -> Widget | None:
    """Does anything run at all, and if not, what is missing?"""
    if not request.user.has_perm("llmconfig.view_llmconfig"):
        return None
    state = snapshot.current()
    row = state.processing
    providers = [each for each in state.providers.values() if each.is_enabled]
    return Widget(
        "nodewise/widgets/switch.html",
        {
            "seeded": bool(row),
            "enabled": bool(row.get("enabled")),
            "providers": len(providers),
            "models": len(state.models),
            "nodes": len(state.nodes),
            "revision": state.revision,
            "settings_url": reverse("admin:llmconfig_llmconfig_changelist"),
            "providers_url": f"{reverse('admin:llm_settings')}?tab=providers",
            "models_url": reverse("admin:llmconfig_providermodel_changelist"),
            "nodes_url": reverse("admin:llmconfig_nodeconfiguration_changelist"),
            "may_change": request.user.has_perm("llmconfig.change_llmconfig"),
            "playground_url": (
                reverse("admin:llm_playground")
                if request.user.has_perm("llmconfig.operate_llmconfig")
                else ""
            ),
        },
        width=12,
    )


def retiring_widget(request: HttpRequest) -> Widget | None:
    """Models that their provider stops serving soon; no card while there are none."""
    if not request.user.has_perm("llmconfig.view_providermodel"):
        return None
    retiring = [
        (
            model,
            reverse("admin:llmconfig_providermodel_change", args=[model.pk]),
            retirement.describe(model.retires_at),
        )
        for model in retirement.retiring_models().filter(provider__is_enabled=True)[:MAX_RETIRING]
    ]
    if not retiring:
        return None
    return Widget("nodewise/widgets/retiring.html", {"retiring": retiring}, width=12)


register_widget(switch_widget, rank=0)
register_widget(retiring_widget, rank=5)

"""Models, their prices, and the view of the tiers."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from llmconfig.admin.kit.deletion import TellsUses
from llmconfig.admin.kit.presentation import NOTHING, badge, few
from llmconfig.admin.kit.theme import TabularInline
from llmconfig.admin.kit.writes import ReadOnlyAdmin, RevisionedAdmin
from llmconfig.admin.price_panel import conditions, per_million, price_panel
from llmconfig.configuration import prices, refused_parameters, retirement
from llmconfig.configuration.numbers import count
from llmconfig.configuration.uses import Use, uses_of_model
from llmconfig.models import ContextWindow, ModelPrice, PriceSource, ProviderModel, RefusedParameter
from llmconfig.models.catalogue import CONDITION_FIELDS, RATE_FIELDS

PRICE_FIELDS = (
    "valid_from", *CONDITION_FIELDS, "input_per_1m", "output_per_1m", "cached_input_per_1m",
    "cache_write_per_1m",
)  # fmt: skip


class PriceInline(TabularInline):
    """What the model costs from a date on."""

    model = ModelPrice
    fields = (*PRICE_FIELDS, "source")
    readonly_fields = ("source",)
    extra = 0
    verbose_name_plural = _("Prices in US dollars per million tokens")


@admin.register(ProviderModel)
class ProviderModelAdmin(TellsUses, RevisionedAdmin):
    """Every model that a provider lists, with its abilities."""

    list_display = (
        "model_id", "provider", "kind", "tier_badge", "price", "window", "abilities", "retires",
        "active",
    )  # fmt: skip
    list_filter = ("is_active", "prices__source", "kind", "tier", "provider")
    list_select_related = ("provider",)
    search_fields = ("model_id", "tier", "provider__name")
    autocomplete_fields = ("provider",)
    inlines = (PriceInline,)
    actions = ("use_suggested_prices",)
    list_per_page = 50
    change_form_outer_before_template = "nodewise/model_prices.html"
    fieldsets = (
        (None, {"fields": ("provider", "model_id", "kind", "is_active", "retires_at")}),
        (
            _("Tier"),
            {
                "fields": ("tier",),
                "description": _(
                    "A tier names “whichever model we use for this class of work”. Nodes may "
                    "name <code>tier:cloud_fast</code> instead of a model."
                ),
            },
        ),
        (_("Sizes"), {"fields": ("context_window", "max_output_tokens")}),
        (
            _("Abilities"),
            {
                "fields": (
                    "supports_streaming", "supports_temperature",
                    "supports_json_schema", "supports_tools",
                    "supports_logprobs",
                )
            },
        ),
    )  # fmt: skip

    def uses(self, row: Any) -> list[Use]:
        """What names the model and would miss it."""
        return uses_of_model(row)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the prices, which the list shows."""
        return super().get_queryset(request).prefetch_related("prices")

    def dependent_rows(self, obj: Any) -> Iterable[Model]:
        """Prices are edited on the same page."""
        return ModelPrice.objects.filter(model=obj).only("pk")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.take_over_view)
        clear = self.admin_site.admin_view(self.clear_refusals_view)
        return [
            path("<uuid:model_id>/take-over/", view, name="llmconfig_providermodel_take_over"),
            path(
                "<uuid:model_id>/clear-refusals/",
                clear,
                name="llmconfig_providermodel_clear_refusals",
            ),
            *super().get_urls(),
        ]

    def take_over_view(self, request: HttpRequest, model_id: Any) -> HttpResponse:
        """“Use suggested price” was pressed."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not may_take_over(request):
            raise PermissionDenied
        model = get_object_or_404(ProviderModel.objects.select_related("provider"), pk=model_id)
        with self.revision(request, f"Took over the suggested price of {model}."):
            stored = prices.take_over(model)
        if stored is None:
            messages.warning(
                request, gettext("genai-prices has no price for {model}.").format(model=model)
            )
        elif prices.row_in_force(model) != stored:
            messages.info(
                request,
                gettext(
                    "Stored, but the price entered by hand takes precedence: delete that one to"
                    " use it."
                ),
            )
        else:
            messages.success(
                request,
                gettext("{model} now uses the price from genai-prices.").format(model=model),
            )
        return HttpResponseRedirect(
            reverse("admin:llmconfig_providermodel_change", args=[model.pk])
        )

    def clear_refusals_view(self, request: HttpRequest, model_id: Any) -> HttpResponse:
        """“Clear” was pressed."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_change_permission(request):
            raise PermissionDenied
        model = get_object_or_404(ProviderModel.objects.select_related("provider"), pk=model_id)
        with self.revision(request, f"Cleared what {model} was found to refuse."):
            cleared = refused_parameters.clear(model)
        messages.success(
            request,
            ngettext(
                "{cleared} refused parameter cleared: it is sent again.",
                "{cleared} refused parameters cleared: they are sent again.",
                cleared,
            ).format(cleared=cleared),
        )
        return HttpResponseRedirect(
            reverse("admin:llmconfig_providermodel_change", args=[model.pk])
        )

    def fill_page(self, request: HttpRequest, obj: Model | None, context: dict[str, Any]) -> None:
        """With the price in force beside the suggested one."""
        if isinstance(obj, ProviderModel):
            context["price_panel"] = price_panel(obj)
            context["may_take_over"] = may_take_over(request)
            context["refused_parameters"] = found = refused_parameters.described(obj)
            context["clearable_refusals"] = any(each.found_at for each in found)
            context["may_clear_refusals"] = self.has_change_permission(request, obj)
            context["retirement"] = retirement.describe(obj.retires_at)

    @admin.action(description=_("Use suggested prices"), permissions=["add_price"])
    def use_suggested_prices(self, request: HttpRequest, chosen: QuerySet[ProviderModel]) -> None:
        """Take over what genai-prices lists for all selected models, in one revision."""
        models = list(chosen.select_related("provider"))
        with self.revision(request, f"Used the suggested prices of {len(models)} models."):
            priced = prices.take_over_many(models)
        unknown = [str(model) for model in models if model not in priced]
        if priced:
            messages.success(
                request,
                ngettext(
                    "{number} model has its suggested price now.",
                    "{number} models have their suggested price now.",
                    len(priced),
                ).format(number=len(priced)),
            )
        if unknown:
            messages.warning(
                request,
                gettext("genai-prices has no price for {model}.").format(model=few(unknown)),
            )

    def has_add_price_permission(self, request: HttpRequest) -> bool:
        """Who may add prices may take over suggested ones."""
        return may_take_over(request)

    @admin.display(description=_("Price"))
    def price(self, model: ProviderModel) -> SafeString:
        """The prompt's and the answer's price in force, or that there is none."""
        row = prices.row_in_force(model)
        if row is None:
            return badge(gettext("unpriced"), "warning")
        told = f"{per_million(row.input_per_1m)} / {per_million(row.output_per_1m)}"
        suggested = row.source == PriceSource.SUGGESTED
        return (
            badge(gettext("{told}, suggested").format(told=told), "info")
            if suggested
            else badge(told, "plain")
        )

    @admin.display(description=_("Retires"), ordering="retires_at")
    def retires(self, model: ProviderModel) -> SafeString:
        """When its provider stops serving it; a warning from 90 days before."""
        if model.retires_at is None:
            return NOTHING
        near = retirement.is_near(model.retires_at)
        return badge(f"{model.retires_at:%Y-%m-%d}", "warning" if near else "plain")

    @admin.display(description=_("Tier"), ordering="tier")
    def tier_badge(self, model: ProviderModel) -> SafeString:
        """The tier, if it serves one."""
        return badge(model.tier, "info") if model.tier else NOTHING

    @admin.display(description=_("Context window"), ordering="context_window")
    def window(self, model: ProviderModel) -> str | SafeString:
        """Tokens that prompt and answer may have together."""
        return count(model.context_window) if model.context_window else NOTHING

    @admin.display(description=_("Abilities"))
    def abilities(self, model: ProviderModel) -> str | SafeString:
        """What it can do beside answering."""
        words = (
            (gettext("streaming"), model.supports_streaming),
            (gettext("JSON schema"), model.supports_json_schema),
            (gettext("tools"), model.supports_tools),
            (gettext("log probabilities"), model.supports_logprobs),
        )
        return ", ".join(word for word, able in words if able) or NOTHING

    @admin.display(description=_("Active"), ordering="is_active", boolean=True)
    def active(self, model: ProviderModel) -> bool:
        return model.is_active


@admin.register(ModelPrice)
class ModelPriceAdmin(RevisionedAdmin):
    """Dated prices; those that a person entered win over those taken from genai-prices."""

    list_display = ("model", "valid_from", "holds", "input", "output", "source")
    list_filter = ("source", "service_tier", "model__provider")
    list_select_related = ("model__provider",)
    search_fields = ("model__model_id", "model__provider__name")
    date_hierarchy = "valid_from"
    autocomplete_fields = ("model",)
    readonly_fields = ("source",)
    fieldsets = (
        (None, {"fields": ("model", "valid_from", "source")}),
        (_("Only for"), {"fields": CONDITION_FIELDS}),
        (_("US dollars"), {"fields": RATE_FIELDS}),
    )

    @admin.display(description=_("Applies"))
    def holds(self, price: ModelPrice) -> str:
        return conditions(price)

    @admin.display(description=_("Input"), ordering="input_per_1m")
    def input(self, price: ModelPrice) -> str | SafeString:
        return per_million(price.input_per_1m)

    @admin.display(description=_("Output"), ordering="output_per_1m")
    def output(self, price: ModelPrice) -> str | SafeString:
        return per_million(price.output_per_1m)


@admin.register(RefusedParameter)
class RefusedParameterAdmin(RevisionedAdmin):
    """What models were found to refuse; deleting a row has the parameter sent again."""

    list_display = ("model_id", "provider", "parameter", "told", "found_at")
    list_filter = ("parameter", "provider")
    list_select_related = ("provider",)
    search_fields = ("model_id", "parameter", "provider__name")
    readonly_fields = ("provider", "model_id", "parameter", "told", "found_at")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def may_take_over(request: HttpRequest) -> bool:
    """Whether the request's user may add prices."""
    return request.user.has_perm("llmconfig.add_modelprice")


@admin.register(ContextWindow)
class ContextWindowAdmin(ReadOnlyAdmin):
    """Each tier's model with its window and price."""

    list_display = (
        "tier", "model_name", "max_tokens", "cost_per_1m_input_usd", "cost_per_1m_output_usd",
        "is_active", "updated_at",
    )  # fmt: skip
    list_filter = ("is_active",)
    search_fields = ("tier", "model_name")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """A view over the models that have a tier: always few rows."""
        return super().get_queryset(request).order_by("tier")

"""Models, their prices, and seed 4's view of the tiers."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from llmconfig.admin.presentation import NOTHING, badge
from llmconfig.admin.theme import TabularInline
from llmconfig.admin.writes import ReadOnlyAdmin, RevisionedAdmin
from llmconfig.models import ContextWindow, ModelPrice, ProviderModel

PRICE_FIELDS = (
    "valid_from", "input_per_1m", "output_per_1m", "cached_input_per_1m", "cache_write_per_1m",
)  # fmt: skip


class PriceInline(TabularInline):
    """What the model costs from a date on."""

    model = ModelPrice
    fields = (*PRICE_FIELDS, "source")
    readonly_fields = ("source",)
    extra = 0
    verbose_name_plural = "Prices in US dollars per million tokens"


@admin.register(ProviderModel)
class ProviderModelAdmin(RevisionedAdmin):
    """Every model that a provider lists, with its abilities."""

    list_display = ("model_id", "provider", "kind", "tier_badge", "window", "abilities", "active")
    list_filter = ("is_active", "kind", "tier", "provider")
    list_select_related = ("provider",)
    search_fields = ("model_id", "tier", "provider__name")
    autocomplete_fields = ("provider",)
    inlines = (PriceInline,)
    list_per_page = 50
    fieldsets = (
        (None, {"fields": ("provider", "model_id", "kind", "is_active")}),
        (
            "Tier",
            {
                "fields": ("tier",),
                "description": "A tier is a name for “whichever model we use for this class of"
                " work”. Nodes may say <code>tier:cloud_fast</code> instead of a model.",
            },
        ),
        ("Sizes", {"fields": ("context_window", "max_output_tokens")}),
        (
            "Abilities",
            {
                "fields": (
                    "supports_streaming", "supports_temperature",
                    "supports_json_schema", "supports_tools",
                )
            },
        ),
    )  # fmt: skip

    def dependent_rows(self, obj: Any) -> Iterable[Model]:
        """Prices are edited on the same page."""
        return ModelPrice.objects.filter(model=obj).only("pk")

    @admin.display(description="Tier", ordering="tier")
    def tier_badge(self, model: ProviderModel) -> SafeString:
        """The tier, if it serves one."""
        return badge(model.tier, "info") if model.tier else NOTHING

    @admin.display(description="Window", ordering="context_window")
    def window(self, model: ProviderModel) -> str | SafeString:
        """Tokens that prompt and answer may have together."""
        return f"{model.context_window:,}" if model.context_window else NOTHING

    @admin.display(description="Abilities")
    def abilities(self, model: ProviderModel) -> str | SafeString:
        """What it can do beside answering."""
        words = (
            ("streams", model.supports_streaming),
            ("JSON schema", model.supports_json_schema),
            ("tools", model.supports_tools),
        )
        return ", ".join(word for word, able in words if able) or NOTHING

    @admin.display(description="Active", ordering="is_active", boolean=True)
    def active(self, model: ProviderModel) -> bool:
        """Whether it may be chosen."""
        return model.is_active


@admin.register(ModelPrice)
class ModelPriceAdmin(RevisionedAdmin):
    """Dated prices; those that a person entered win over those taken from genai-prices."""

    list_display = ("model", "valid_from", "input", "output", "source")
    list_filter = ("source", "model__provider")
    list_select_related = ("model__provider",)
    search_fields = ("model__model_id", "model__provider__name")
    date_hierarchy = "valid_from"
    autocomplete_fields = ("model",)
    readonly_fields = ("source",)
    fieldsets = (
        (None, {"fields": ("model", "valid_from", "source")}),
        ("US dollars per million tokens", {"fields": PRICE_FIELDS[1:]}),
    )

    @admin.display(description="Input", ordering="input_per_1m")
    def input(self, price: ModelPrice) -> str | SafeString:
        """Dollars per million prompt tokens."""
        return _per_million(price.input_per_1m)

    @admin.display(description="Output", ordering="output_per_1m")
    def output(self, price: ModelPrice) -> str | SafeString:
        """Dollars per million answer tokens."""
        return _per_million(price.output_per_1m)


def _per_million(price: Any) -> str | SafeString:
    return NOTHING if price is None else f"${price.normalize():f}"


@admin.register(ContextWindow)
class ContextWindowAdmin(ReadOnlyAdmin):
    """Each tier's model with its window and price, as seed 4's table had them."""

    list_display = (
        "tier", "model_name", "max_tokens", "cost_per_1m_input_usd", "cost_per_1m_output_usd",
        "is_active", "updated_at",
    )  # fmt: skip
    list_filter = ("is_active",)
    search_fields = ("tier", "model_name")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """A view over the models that have a tier: always few rows."""
        return super().get_queryset(request).order_by("tier")

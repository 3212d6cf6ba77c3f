"""Organizations and their listings, before and after."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.db.models import Count, Model, Q
from django.db.models.functions import Substr
from django.http import HttpRequest
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from enrichment.admin.chosen_rows import EnrichedRows, start_address
from enrichment.admin.review_values import readable
from enrichment.enrichments import names
from enrichment.listings.admin.freshness import (
    CleanedFilter,
    ProfileFilter,
    TagsFilter,
    TranslationFilter,
    states,
)
from enrichment.listings.admin.importing import import_view, sample_view
from enrichment.listings.models import Animal, Organization
from enrichment.models import EnrichmentResult
from llmconfig.admin.kit.organizations import register_organizations
from llmconfig.admin.kit.presentation import badge, link
from llmconfig.admin.kit.theme import ModelAdmin

EXCERPT = 90
ENRICHED_FIELDS = (
    "enriched_description", "dog_profiler_data", "translations", "tags", "entities",
)  # fmt: skip


def _first_organizations(limit: int) -> Any:
    """For forms that name one."""
    return Organization.objects.order_by("name").values_list("pk", "name")[:limit]


register_organizations(_first_organizations)


@admin.register(Organization)
class OrganizationAdmin(ModelAdmin):
    """The rescues that publish listings, with their own prompts."""

    list_display = ("name", "slug", "external_id", "listings", "cleaned")
    search_fields = ("name", "slug", "external_id")
    list_per_page = 50
    fieldsets = ((None, {"fields": ("name", "slug", "external_id")}),)

    def get_queryset(self, request: HttpRequest) -> Any:
        """With how many listings there are and how many are cleaned."""
        done = Q(animals__enriched_description__isnull=False)
        return (
            super()
            .get_queryset(request)
            .annotate(listing_count=Count("animals"), cleaned_count=Count("animals", filter=done))
        )

    @admin.display(description=_("Listings"), ordering="listing_count")
    def listings(self, organization: Any) -> SafeString:
        """How many, with a link to them."""
        address = reverse("admin:listings_animal_changelist")
        return link(
            f"{address}?organization__id__exact={organization.pk}", organization.listing_count
        )

    @admin.display(description=_("Cleaned"), ordering="cleaned_count")
    def cleaned(self, organization: Any) -> int:
        """How many of them have a cleaned description."""
        return int(organization.cleaned_count)


@admin.register(Animal)
class AnimalAdmin(EnrichedRows, ModelAdmin):
    """Listings: what was published, and what models made of it."""

    list_display = (
        "name",
        "breed",
        "organization",
        "published",
        "coverage",
        "enriched_at",
        "enrich_link",
    )
    list_filter = (
        CleanedFilter, ProfileFilter, TranslationFilter, TagsFilter, "status", "size", "age",
    )  # fmt: skip
    list_select_related = ("organization",)
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}
    search_fields = ("name", "=external_id", "breed", "organization__name")
    autocomplete_fields = ("organization",)
    readonly_fields = ("llm_processed_at", "llm_model_used", "created_at", "updated_at")
    show_full_result_count = False
    list_per_page = 50
    list_before_template = "nodewise/listings_head.html"
    change_form_outer_before_template = "nodewise/listing.html"
    fieldsets = (
        (
            _("Listing"),
            {
                "fields": (
                    "name", "external_id", "organization", "source", "url", "status", "posted",
                    "description",
                ),
                "description": _(
                    "As published by the rescue. Changing a field that an enrichment reads "
                    "makes its result stale."
                ),
            },
        ),
        (
            _("Animal"),
            {
                "fields": (
                    "species", "breed", "breed_secondary", "mixed", "age", "sex", "size", "coat",
                    "color",
                )
            },
        ),
        (
            _("Temperament and health"),
            {
                "fields": (
                    "good_with_children", "good_with_dogs", "good_with_cats", "house_trained",
                    "fixed", "special_needs", "shots_current", "health", "fee",
                )
            },
        ),
        (_("Place"), {"fields": ("city", "state", "country")}),
        (
            _("Corrected by a person"),
            {
                "fields": ENRICHED_FIELDS,
                "classes": ("collapse",),
                "description": _("Written by models; correct it here if necessary."),
            },
        ),
        (
            _("Last enrichment"),
            {"fields": ("llm_processed_at", "llm_model_used", "created_at", "updated_at")},
        ),
    )  # fmt: skip

    def get_urls(self) -> list[URLPattern]:
        """With the import of a file, and of the shipped sample."""
        view = self.admin_site.admin_view
        return [
            path("import/", view(import_view), name="listings_import"),
            path("import/sample/", view(sample_view), name="listings_import_sample"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> Any:
        """The list reads the beginning of the description and what is present, not the texts."""
        rows = super().get_queryset(request)
        if not request.resolver_match or not str(request.resolver_match.url_name).endswith(
            "changelist"
        ):
            return rows
        return rows.defer("description", "health", *ENRICHED_FIELDS).annotate(
            excerpt=Substr("description", 1, EXCERPT),
            has_cleaned=Q(enriched_description__isnull=False),
            has_profile=Q(dog_profiler_data__isnull=False),
            has_translation=Q(translations__isnull=False),
        )

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        return lookup == "organization__id__exact" or super().lookup_allowed(lookup, value, request)

    @admin.display(description=_("Enriched at"), ordering="llm_processed_at")
    def enriched_at(self, animal: Any) -> Any:
        return animal.llm_processed_at

    @admin.display(description=_("Published"))
    def published(self, animal: Any) -> str:
        return f"{animal.excerpt}…" if len(animal.excerpt) == EXCERPT else str(animal.excerpt)

    @admin.display(description=_("Enriched"))
    def coverage(self, animal: Any) -> SafeString:
        words = (
            (gettext("cleaned"), animal.has_cleaned),
            (gettext("profile"), animal.has_profile),
            (gettext("translated"), animal.has_translation),
        )
        badges = [badge(word, "good") for word, there in words if there]
        return SafeString(" ".join(badges)) if badges else badge(gettext("not yet"))

    def fill_page(self, request: HttpRequest, obj: Model | None, context: dict[str, Any]) -> None:
        """With before and after side by side, and where each text came from."""
        if isinstance(obj, Animal):
            context["sides"] = _sides(obj)
            context["states"] = states(obj)
            if self.has_enrich_permission(request):
                table = Animal._meta.label  # noqa: SLF001 - Django's documented name
                context["enrich_page"] = start_address(table=table, ids=[str(obj.pk)])
            context["results"] = (
                EnrichmentResult.objects.filter(
                    enrichment__in=names(), target="listings.Animal", row_id=str(obj.pk)
                )
                .defer("value", "previous_value")
                .order_by("-id")[:20]
            )


def _sides(animal: Animal) -> list[tuple[str, str]]:
    sides = [(gettext("As published"), animal.description)]
    if animal.enriched_description is not None:
        sides.append((gettext("Cleaned description"), animal.enriched_description))
    if animal.dog_profiler_data is not None:
        sides.append((gettext("Profile"), readable(animal.dog_profiler_data)))
    sides += [
        (gettext("Translation: {language}").format(language=code), readable(text))
        for code, text in (animal.translations or {}).items()
    ]
    sides += [
        (title, readable(parts))
        for title, parts in ((gettext("Tags"), animal.tags), (gettext("Entities"), animal.entities))
        if parts is not None
    ]
    return sides

"""Organizations and their adoption listings."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from enrichment.models import Enrichable
from llmconfig.models.naming import name_columns


class Organization(models.Model):
    """A rescue that publishes listings and may have its own prompts."""

    external_id = models.CharField(max_length=50, unique=True, help_text=_("ID at the source."))
    slug = models.SlugField(
        max_length=100,
        allow_unicode=True,
        help_text=_("Used by <code>-o</code>; several rescues may share one."),
    )
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "organizations"
        ordering = ["slug", "id"]
        indexes = [
            # Read by the commands' -o.
            models.Index(fields=["slug"], name="idx_organizations_slug"),
        ]

    def __str__(self) -> str:
        return self.name


class Animal(Enrichable):
    """One listing: what the rescue published, and what models made of it."""

    external_id = models.CharField(max_length=50, unique=True, help_text=_("ID at the source."))
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="animals")
    source = models.CharField(max_length=50, blank=True)
    name = models.CharField(max_length=200)
    species = models.CharField(max_length=50, default="dog")
    breed = models.CharField(max_length=100, blank=True)
    breed_secondary = models.CharField(max_length=100, blank=True)
    mixed = models.BooleanField(null=True, blank=True)
    age = models.CharField(max_length=50, blank=True)
    sex = models.CharField(max_length=50, blank=True)
    size = models.CharField(max_length=50, blank=True)
    coat = models.CharField(max_length=50, blank=True)
    color = models.CharField(max_length=100, blank=True)
    fixed = models.BooleanField(null=True, blank=True, help_text=_("Spayed or neutered."))
    house_trained = models.BooleanField(null=True, blank=True)
    special_needs = models.BooleanField(null=True, blank=True)
    shots_current = models.BooleanField(null=True, blank=True)
    good_with_children = models.BooleanField(
        null=True, blank=True, help_text=_("Unknown is not the same as no.")
    )
    good_with_dogs = models.BooleanField(null=True, blank=True)
    good_with_cats = models.BooleanField(null=True, blank=True)
    health = models.TextField(blank=True)
    fee = models.CharField(max_length=100, blank=True)
    city = models.CharField(max_length=100, blank=True)
    state = models.CharField(max_length=50, blank=True)
    country = models.CharField(max_length=2, blank=True)
    posted = models.DateTimeField(null=True, blank=True)
    status = models.CharField(max_length=50, blank=True)
    url = models.URLField(max_length=500, blank=True)
    description = models.TextField(blank=True, help_text=_("As published; never changed here."))
    enriched_description = models.TextField(null=True, blank=True)
    dog_profiler_data = models.JSONField(null=True, blank=True)
    translations = models.JSONField(null=True, blank=True, help_text=_("Text by language code."))
    tags = models.JSONField(
        null=True, blank=True, help_text=_("Search tags with their confidence, highest first.")
    )
    entities = models.JSONField(
        null=True,
        blank=True,
        help_text=_("What the text mentions: type, text and confidence, highest first."),
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "animals"
        ordering = ["id"]
        indexes = [
            # Read by the statistics and by lists of what is and isn't enriched.
            models.Index(
                fields=["llm_processed_at"],
                name="idx_animals_llm_processed",
                condition=models.Q(llm_processed_at__isnull=False),
            ),
            models.Index(
                fields=["id"],
                name="idx_animals_enriched",
                condition=models.Q(enriched_description__isnull=False),
            ),
            models.Index(
                fields=["id"],
                name="idx_animals_profiler",
                condition=models.Q(dog_profiler_data__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name


COLUMNS = {
    "age": _("age"),
    "breed": _("breed"),
    "breed_secondary": _("second breed"),
    "city": _("city"),
    "coat": _("coat"),
    "color": _("color"),
    "country": _("country"),
    "created_at": _("created"),
    "description": _("description"),
    "dog_profiler_data": _("profile"),
    "enriched_description": _("enriched description"),
    "entities": _("entities"),
    "external_id": _("external ID"),
    "fee": _("fee"),
    "fixed": _("fixed"),
    "good_with_cats": _("good with cats"),
    "good_with_children": _("good with children"),
    "good_with_dogs": _("good with dogs"),
    "health": _("health"),
    "house_trained": _("house trained"),
    "llm_model_used": _("model used"),
    "llm_processed_at": _("enriched"),
    "mixed": _("mixed"),
    "name": _("name"),
    "organization": _("organization"),
    "posted": _("posted"),
    "sex": _("sex"),
    "shots_current": _("vaccinations up to date"),
    "size": _("size"),
    "slug": _("slug"),
    "source": _("source"),
    "special_needs": _("special needs"),
    "species": _("species"),
    "state": _("state"),
    "status": _("status"),
    "tags": _("tags"),
    "translations": _("translations"),
    "updated_at": _("updated"),
    "url": _("URL"),
}
# One and several.
TABLES = {
    "Animal": (_("animal"), _("animals")),
    "Organization": (_("organization"), _("organizations")),
}
name_columns("listings", COLUMNS, TABLES)

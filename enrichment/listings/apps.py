"""enrichment.listings: adoption listings of rescues, and what models do with them."""

from typing import TYPE_CHECKING

from django.apps import AppConfig, apps
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from enrichment.enrichments.contract import Enrichment

# The enrichments' labels by their switches.
SWITCHES = {
    "LLM_FEATURE_DESCRIPTION_CLEANING": _("Description cleaning"),
    "LLM_FEATURE_DOG_PROFILER": _("Dog profiler"),
    "LLM_FEATURE_ENTITY_EXTRACTION": _("Entity extraction"),
    "LLM_FEATURE_RESPOND": _("Answers to adopters"),
    "LLM_FEATURE_TAGGING": _("Tagging"),
    "LLM_FEATURE_TRANSLATION": _("Translation"),
}


class ListingsConfig(AppConfig):
    """An example that stands on enrichment; a project without listings leaves it out."""

    name = "enrichment.listings"
    label = "listings"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = _("Listings")

    def ready(self) -> None:
        """Make the enrichments of listings known, and their table the one meant by default."""
        from enrichment.enrichments import register_later  # noqa: PLC0415 - apps are ready
        from enrichment.listings.process_settings import PUBLIC_SECONDS  # noqa: PLC0415
        from llmconfig.configuration import process_settings  # noqa: PLC0415

        process_settings.register(PUBLIC_SECONDS)

        enrichment = apps.get_app_config("enrichment")
        enrichment.default_target = "listings.Animal"  # type: ignore[attr-defined]
        register_later(_enrichments, switches=SWITCHES)


def _enrichments() -> tuple["Enrichment", ...]:
    from enrichment.listings.enrichments import ENRICHMENTS  # noqa: PLC0415 - with the gates

    return ENRICHMENTS

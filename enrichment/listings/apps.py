"""enrichment.listings: adoption listings of rescues, and what models do with them."""

from django.apps import AppConfig, apps
from django.utils.translation import gettext_lazy as _


class ListingsConfig(AppConfig):
    """An example that stands on enrichment; a project without listings leaves it out."""

    name = "enrichment.listings"
    label = "listings"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = _("Listings")

    def ready(self) -> None:
        """Make the enrichments of listings known, and their table the one meant by default."""
        from enrichment.enrichments import register  # noqa: PLC0415 - after the registry is ready
        from enrichment.listings.enrichments import ENRICHMENTS  # noqa: PLC0415
        from enrichment.listings.process_settings import PUBLIC_SECONDS  # noqa: PLC0415
        from llmconfig.configuration import process_settings  # noqa: PLC0415

        process_settings.register(PUBLIC_SECONDS)

        enrichment = apps.get_app_config("enrichment")
        enrichment.default_target = "listings.Animal"  # type: ignore[attr-defined]
        for each in ENRICHMENTS:
            register(each)

"""Pages about listings. Importing the modules registers them."""

from django.utils.translation import gettext_lazy as _

from enrichment.listings.admin import first_steps, importing, listings, widgets
from llmconfig.admin.kit.navigation import Page, Section, register_section

__all__ = ["first_steps", "importing", "listings", "widgets"]

VIEW = "listings.view_"
register_section(
    Section(
        _("Listings"),
        40,
        (
            Page(_("Animals"), "pets", "admin:listings_animal_changelist", f"{VIEW}animal"),
            Page(
                _("Organizations"), "home_work", "admin:listings_organization_changelist",
                f"{VIEW}organization",
            ),
        ),
    )
)  # fmt: skip

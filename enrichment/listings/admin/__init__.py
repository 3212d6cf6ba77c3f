"""Pages about listings. Importing the modules registers them."""

from enrichment.listings.admin import first_steps, importing, listings, widgets
from llmconfig.admin.kit.navigation import Page, Section, register_section

__all__ = ["first_steps", "importing", "listings", "widgets"]

VIEW = "listings.view_"
register_section(
    Section(
        "Listings",
        40,
        (
            Page("Animals", "pets", "admin:listings_animal_changelist", f"{VIEW}animal"),
            Page(
                "Organizations", "home_work", "admin:listings_organization_changelist",
                f"{VIEW}organization",
            ),
        ),
    )
)  # fmt: skip

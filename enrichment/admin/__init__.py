"""Pages about listings and batches. Importing the modules registers them."""

from enrichment.admin import (
    batches,
    facts,
    listings,
    prompts,
    proposals,
    review,
    submissions,
    widgets,
)
from llmconfig.admin.kit.navigation import Page, Section, register_section

__all__ = [
    "batches",
    "facts",
    "listings",
    "prompts",
    "proposals",
    "review",
    "submissions",
    "widgets",
]

VIEW = "enrichment.view_"
register_section(
    Section(
        "Batches",
        30,
        (
            Page("Batches", "stacks", "admin:enrichment_batch_changelist", f"{VIEW}batch"),
            Page(
                "Results", "fact_check", "admin:enrichment_enrichmentresult_changelist",
                f"{VIEW}enrichmentresult",
            ),
            Page("Review", "rate_review", "admin:enrichment_review", f"{VIEW}enrichmentresult"),
            Page("Prompts", "edit_note", "admin:enrichment_prompt_changelist", f"{VIEW}prompt"),
            Page(
                "Proposals", "tips_and_updates", "admin:metrics_promptproposal_changelist",
                "metrics.view_promptproposal",
            ),
            Page(
                "Sources of facts", "travel_explore", "admin:enrichment_factsource_changelist",
                f"{VIEW}factsource",
            ),
        ),
    )
)  # fmt: skip
register_section(
    Section(
        "Listings",
        40,
        (
            Page("Animals", "pets", "admin:enrichment_animal_changelist", f"{VIEW}animal"),
            Page(
                "Organizations", "home_work", "admin:enrichment_organization_changelist",
                f"{VIEW}organization",
            ),
        ),
    )
)  # fmt: skip

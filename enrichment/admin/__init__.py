"""Pages about batches, prompts and results. Importing the modules registers them."""

from enrichment.admin import (
    batch_state,
    batches,
    calibration,
    declared,
    evaluations,
    facts,
    first_steps,
    judges,
    prompts,
    proposals,
    results,
    review,
    row_prompts,
    schedules,
    submissions,
    waiting,
    widgets,
)
from llmconfig.admin.kit.navigation import Page, Section, register_section

__all__ = [
    "batch_state",
    "batches",
    "calibration",
    "declared",
    "evaluations",
    "facts",
    "first_steps",
    "judges",
    "prompts",
    "proposals",
    "results",
    "review",
    "row_prompts",
    "schedules",
    "submissions",
    "waiting",
    "widgets",
]

VIEW = "enrichment.view_"
register_section(
    Section(
        "Batches",
        30,
        (
            Page(
                "Batches", "stacks", "admin:enrichment_batch_changelist", f"{VIEW}batch",
                waiting.paused_batches,
            ),
            Page(
                "Planned batches", "schedule", "admin:enrichment_batchschedule_changelist",
                f"{VIEW}batchschedule",
            ),
            Page(
                "Results", "fact_check", "admin:enrichment_enrichmentresult_changelist",
                f"{VIEW}enrichmentresult",
            ),
            Page(
                "Review", "rate_review", "admin:enrichment_review", f"{VIEW}enrichmentresult",
                waiting.suggestions,
            ),
            Page(
                "Confidence", "speed", "admin:enrichment_calibration", f"{VIEW}enrichmentresult",
            ),
            Page(
                "Enrichments", "table_edit", "admin:enrichment_declaredenrichment_changelist",
                f"{VIEW}declaredenrichment",
            ),
            Page(
                "Sets", "dataset", "admin:enrichment_evaluationset_changelist",
                f"{VIEW}evaluationset",
            ),
            Page(
                "Runs", "compare_arrows", "admin:enrichment_evaluationrun_changelist",
                f"{VIEW}evaluationrun",
            ),
            Page("Workbench", "design_services", "admin:enrichment_workbench", f"{VIEW}prompt"),
            Page(
                "Judges", "gavel", "admin:enrichment_judgecalibration_changelist",
                f"{VIEW}judgecalibration",
            ),
            Page("Prompts", "edit_note", "admin:enrichment_prompt_changelist", f"{VIEW}prompt"),
            Page(
                "Proposals", "tips_and_updates", "admin:metrics_promptproposal_changelist",
                "metrics.view_promptproposal",
            ),
            Page(
                "Fact sources", "travel_explore", "admin:enrichment_factsource_changelist",
                f"{VIEW}factsource",
            ),
        ),
    )
)  # fmt: skip

"""Pages about batches, prompts and results. Importing the modules registers them."""

from django.utils.translation import gettext_lazy as _

from enrichment.admin import (
    batch_state,
    batches,
    calibration,
    call_cascades,
    cascades_widget,
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
    "call_cascades",
    "cascades_widget",
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
        _("Batches"),
        30,
        (
            Page(
                _("Batches"), "stacks", "admin:enrichment_batch_changelist", f"{VIEW}batch",
                waiting.paused_batches,
            ),
            Page(
                _("Planned batches"), "schedule", "admin:enrichment_batchschedule_changelist",
                f"{VIEW}batchschedule",
            ),
            Page(
                _("Results"), "fact_check", "admin:enrichment_enrichmentresult_changelist",
                f"{VIEW}enrichmentresult",
            ),
            Page(
                _("Review"), "rate_review", "admin:enrichment_review", f"{VIEW}enrichmentresult",
                waiting.suggestions,
            ),
            Page(
                _("Confidence"), "speed", "admin:enrichment_calibration", f"{VIEW}enrichmentresult",
            ),
            Page(
                _("Enrichments"), "table_edit", "admin:enrichment_declaredenrichment_changelist",
                f"{VIEW}declaredenrichment",
            ),
            Page(
                _("Sets"), "dataset", "admin:enrichment_evaluationset_changelist",
                f"{VIEW}evaluationset",
            ),
            Page(
                _("Runs"), "compare_arrows", "admin:enrichment_evaluationrun_changelist",
                f"{VIEW}evaluationrun",
            ),
            Page(_("Workbench"), "design_services", "admin:enrichment_workbench", f"{VIEW}prompt"),
            Page(
                _("Judges"), "gavel", "admin:enrichment_judgecalibration_changelist",
                f"{VIEW}judgecalibration",
            ),
            Page(
                _("Cascades of calls"), "alt_route", "admin:enrichment_callcascade_changelist",
                f"{VIEW}callcascade",
            ),
            Page(_("Prompts"), "edit_note", "admin:enrichment_prompt_changelist", f"{VIEW}prompt"),
            Page(
                _("Proposals"), "tips_and_updates", "admin:metrics_promptproposal_changelist",
                "metrics.view_promptproposal",
            ),
            Page(
                _("Fact sources"), "travel_explore", "admin:enrichment_factsource_changelist",
                f"{VIEW}factsource",
            ),
        ),
    )
)  # fmt: skip

"""Pages about calls. Importing the modules registers them."""

from django.utils.translation import gettext_lazy as _

from llmconfig.admin.kit.navigation import Page, Section, register_section
from metrics.admin import (
    alerts,
    calls,
    experiment_panel,
    key_panel,
    node_panel,
    patterns,
    provider_health,
    quality,
    reports,
    rollups,
    texts,
    unpriced,
    widgets,
)

__all__ = [
    "alerts",
    "calls",
    "experiment_panel",
    "key_panel",
    "node_panel",
    "patterns",
    "provider_health",
    "quality",
    "reports",
    "rollups",
    "texts",
    "unpriced",
    "widgets",
]

VIEW = "metrics.view_"
register_section(
    Section(
        _("Metrics"),
        50,
        (
            Page(
                _("Calls"), "receipt_long", "admin:metrics_generationmetric_changelist",
                f"{VIEW}generationmetric",
            ),
            Page(_("Spending"), "payments", "admin:metrics_spending", f"{VIEW}generationmetric"),
            Page(
                _("Unpriced models"), "money_off", "admin:metrics_unpriced",
                f"{VIEW}generationmetric",
            ),
            Page(
                _("Prompts and answers"), "chat", "admin:metrics_generationhistory_changelist",
                f"{VIEW}generationhistory",
            ),
            Page(_("Quality"), "grade", "admin:metrics_quality", f"{VIEW}generationhistory"),
            Page(
                _("Quality rules"), "rule", "admin:metrics_qualityrule_changelist",
                f"{VIEW}qualityrule",
            ),
            Page(
                _("Weekly reports"), "summarize", "admin:metrics_weeklyreport_changelist",
                f"{VIEW}weeklyreport",
            ),
            Page(
                _("Reconciliation"), "balance", "admin:metrics_billedusage_changelist",
                f"{VIEW}billedusage",
            ),
            Page(
                _("Alert rules"), "notifications", "admin:metrics_alertrule_changelist",
                f"{VIEW}alertrule",
            ),
            Page(
                _("Alert deliveries"), "outbox", "admin:metrics_alertdelivery_changelist",
                f"{VIEW}alertdelivery",
            ),
            Page(_("Patterns"), "lightbulb", "admin:metrics_pattern_changelist", f"{VIEW}pattern"),
        ),
    )
)  # fmt: skip

"""The configuration's pages. Importing the modules registers them with Django's admin."""

from django.utils.translation import gettext_lazy as _

from llmconfig.admin import (
    assignments,
    budgets,
    catalogue,
    experiments,
    first_steps,
    gateway,
    health_page,
    history,
    playground,
    processing,
    providers,
)
from llmconfig.admin.kit import dashboard, provider_health
from llmconfig.admin.kit.navigation import Page, Section, register_section

__all__ = [
    "assignments",
    "budgets",
    "catalogue",
    "dashboard",
    "experiments",
    "first_steps",
    "gateway",
    "health_page",
    "history",
    "playground",
    "processing",
    "providers",
]

VIEW = "llmconfig.view_"
register_section(
    Section(
        _("Settings"),
        10,
        (
            Page(_("LLM settings"), "tune", "admin:llm_settings", f"{VIEW}globalconfig"),
            Page(
                _("Processing"), "toggle_on", "admin:llmconfig_llmconfig_changelist",
                f"{VIEW}llmconfig",
            ),
            Page(
                _("Nodes"), "account_tree", "admin:llmconfig_nodeconfiguration_changelist",
                f"{VIEW}nodeconfiguration",
            ),
            Page(_("Playground"), "play_circle", "admin:llm_playground", playground.PERMISSION),
            Page(
                _("User overrides"), "person_edit", "admin:llmconfig_userconfig_changelist",
                f"{VIEW}userconfig",
            ),
            Page(
                _("Experiments"), "science", "admin:llmconfig_experiment_changelist",
                f"{VIEW}experiment",
            ),
            Page(
                _("Configuration health"), "health_and_safety", "admin:llm_health",
                f"{VIEW}llmconfig", health_page.health_badge,
            ),
            Page(_("History"), "history", "admin:llmconfig_revision_changelist", f"{VIEW}revision"),
        ),
    )
)  # fmt: skip
register_section(
    Section(
        _("Models"),
        20,
        (
            Page(
                _("Providers"), "cloud", "admin:llmconfig_provider_changelist", f"{VIEW}provider",
                provider_health.failing,
            ),
            Page(
                _("Models"), "neurology", "admin:llmconfig_providermodel_changelist",
                f"{VIEW}providermodel",
            ),
            Page(_("Budgets"), "savings", "admin:llmconfig_budget_changelist", f"{VIEW}budget"),
            Page(
                _("Budget ledger"), "receipt_long", "admin:llmconfig_budgetspending_changelist",
                f"{VIEW}budgetspending",
            ),
            Page(_("Prices"), "sell", "admin:llmconfig_modelprice_changelist", f"{VIEW}modelprice"),
            Page(
                _("Tiers"), "layers", "admin:llmconfig_contextwindow_changelist",
                f"{VIEW}contextwindow",
            ),
        ),
    )
)  # fmt: skip

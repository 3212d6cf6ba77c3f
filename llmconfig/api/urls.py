"""The addresses under `/api/v1/llm`."""

from django.urls import URLPattern, URLResolver, include, path, re_path

from llmconfig.api import (
    assignments,
    budgets,
    caching,
    catalogue,
    experiments,
    gateway_keys,
    history,
    processing,
    providers,
    resolving,
    rollback,
)
from llmconfig.api.kit.documentation import describe
from llmconfig.api.kit.endpoints import UnknownAddress
from llmconfig.api.operations import OPERATIONS

describe(OPERATIONS)

configuration = [
    path("providers", providers.ProviderList.as_view()),
    path("providers/<uuid:id>", providers.ProviderRow.as_view()),
    path("providers/<uuid:id>/validate", providers.ProviderCheck.as_view()),
    path("providers/<uuid:id>/models", providers.ProviderModels.as_view()),
    path("models", catalogue.ModelList.as_view()),
    path("models/<uuid:id>", catalogue.ModelRow.as_view()),
    path("models/<uuid:id>/refused-parameters", catalogue.RefusedParameters.as_view()),
    path("prices", catalogue.PriceList.as_view()),
    path("prices/take-over", catalogue.PriceTakeOver.as_view()),
    path("prices/<int:id>", catalogue.PriceRow.as_view()),
    path("tiers", catalogue.TierList.as_view()),
    path("tiers/<str:tier>", catalogue.TierRow.as_view()),
    path("config", assignments.InteractionList.as_view()),
    path("config/summary", resolving.Summary.as_view()),
    path("config/validate", resolving.Validate.as_view()),
    path("config/<str:interaction_type>", assignments.InteractionRow.as_view()),
    path("nodes", assignments.NodeList.as_view()),
    path("nodes/<str:node_name>", assignments.NodeRow.as_view()),
    path("user-configs", assignments.UserConfigList.as_view()),
    path("user-configs/<int:id>", assignments.UserConfigRow.as_view()),
    path("experiments", experiments.ExperimentList.as_view()),
    path("experiments/<str:name>", experiments.ExperimentRow.as_view()),
    path("experiments/<str:name>/start", experiments.StartExperiment.as_view()),
    path("experiments/<str:name>/stop", experiments.StopExperiment.as_view()),
    path("experiments/<str:name>/promote", experiments.PromoteArm.as_view()),
    path("budgets", budgets.BudgetList.as_view()),
    path("budgets/<int:id>", budgets.BudgetRow.as_view()),
    path("keys", gateway_keys.GatewayKeyList.as_view()),
    path("keys/<uuid:id>", gateway_keys.GatewayKeyRow.as_view()),
    path("keys/<uuid:id>/rotate", gateway_keys.GatewayKeyRotation.as_view()),
    path("explain/<path:name>", resolving.Explain.as_view()),
    path("settings", processing.Settings.as_view()),
    path("revisions", history.RevisionList.as_view()),
    path("revisions/<int:number>", history.RevisionRow.as_view()),
    path("revisions/<int:number>/rollback", rollback.RollBack.as_view()),
    path("cache/stats", caching.CacheStats.as_view()),
    path("cache/clear", caching.ClearCache.as_view()),
    re_path(r"^.*$", UnknownAddress.as_view()),
]
urlpatterns: list[URLPattern | URLResolver] = [path("api/v1/llm/", include(configuration))]

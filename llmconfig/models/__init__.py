"""The configuration's tables."""

from llmconfig.models.assignments import (
    GlobalConfig,
    NodeConfiguration,
    UserConfig,
)
from llmconfig.models.budgets import (
    Budget,
    BudgetHold,
    BudgetPeriod,
    BudgetScope,
    BudgetSpending,
)
from llmconfig.models.catalogue import (
    ContextWindow,
    ModelKind,
    ModelPrice,
    PriceSource,
    ProviderModel,
    RefusedParameter,
)
from llmconfig.models.column_names import COLUMNS, TABLES
from llmconfig.models.experiments import (
    Experiment,
    ExperimentArm,
    ExperimentMode,
    ExperimentStatus,
)
from llmconfig.models.gateway import GatewayKey, StoredResponse
from llmconfig.models.history import ConfigVersion, Revision, RevisionChange
from llmconfig.models.kinds import ApplyAfter, CascadeScore, InteractionType
from llmconfig.models.naming import name_columns
from llmconfig.models.processing import LLMConfig
from llmconfig.models.providers import Provider

__all__ = [
    "ApplyAfter",
    "Budget",
    "BudgetHold",
    "BudgetPeriod",
    "BudgetScope",
    "BudgetSpending",
    "CascadeScore",
    "ConfigVersion",
    "ContextWindow",
    "Experiment",
    "ExperimentArm",
    "ExperimentMode",
    "ExperimentStatus",
    "GatewayKey",
    "GlobalConfig",
    "InteractionType",
    "LLMConfig",
    "ModelKind",
    "ModelPrice",
    "NodeConfiguration",
    "PriceSource",
    "Provider",
    "ProviderModel",
    "RefusedParameter",
    "Revision",
    "RevisionChange",
    "StoredResponse",
    "UserConfig",
]

name_columns("llmconfig", COLUMNS, TABLES)

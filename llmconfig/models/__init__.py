"""The configuration's tables."""

from llmconfig.models.assignments import (
    GlobalConfig,
    InteractionType,
    NodeConfiguration,
    UserConfig,
)
from llmconfig.models.catalogue import (
    ContextWindow,
    ModelKind,
    ModelPrice,
    PriceSource,
    ProviderModel,
)
from llmconfig.models.experiments import Experiment, ExperimentArm, ExperimentStatus
from llmconfig.models.history import ConfigVersion, Revision, RevisionChange
from llmconfig.models.processing import LLMConfig
from llmconfig.models.providers import Provider, ProviderType

__all__ = [
    "ConfigVersion",
    "ContextWindow",
    "Experiment",
    "ExperimentArm",
    "ExperimentStatus",
    "GlobalConfig",
    "InteractionType",
    "LLMConfig",
    "ModelKind",
    "ModelPrice",
    "NodeConfiguration",
    "PriceSource",
    "Provider",
    "ProviderModel",
    "ProviderType",
    "Revision",
    "RevisionChange",
    "UserConfig",
]

"""What calls cost and how good they were."""

from llmconfig.models.naming import name_columns
from metrics.models.alerts import (
    AlertChannel,
    AlertDelivery,
    AlertRule,
    DeliveryStatus,
    ProviderHealth,
    ProviderState,
)
from metrics.models.billing import BilledUsage, WeeklyReport
from metrics.models.calls import GenerationHistory, GenerationMetric
from metrics.models.column_names import COLUMNS, TABLES
from metrics.models.patterns import Pattern, PromptProposal
from metrics.models.quality import DailyQuality, HourlyQuality, QualityRule, WaitingAnswer
from metrics.models.rollups import (
    CallerKind,
    DailyCallers,
    DailyRollup,
    DirtyHour,
    HourlyCallers,
    HourlyRollup,
    OverviewRollup,
    WaitingDay,
)
from metrics.models.views import SavedView

__all__ = [
    "AlertChannel",
    "AlertDelivery",
    "AlertRule",
    "BilledUsage",
    "CallerKind",
    "DailyCallers",
    "DailyQuality",
    "DailyRollup",
    "DeliveryStatus",
    "DirtyHour",
    "GenerationHistory",
    "GenerationMetric",
    "HourlyCallers",
    "HourlyQuality",
    "HourlyRollup",
    "OverviewRollup",
    "Pattern",
    "PromptProposal",
    "ProviderHealth",
    "ProviderState",
    "QualityRule",
    "SavedView",
    "WaitingAnswer",
    "WaitingDay",
    "WeeklyReport",
]

name_columns("metrics", COLUMNS, TABLES)

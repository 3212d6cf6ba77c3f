"""What calls cost and how good they were (seed 4)."""

from metrics.models.calls import GenerationHistory, GenerationMetric
from metrics.models.patterns import Pattern, PromptProposal
from metrics.models.quality import QualityRule, WaitingAnswer
from metrics.models.rollups import DailyRollup, DirtyHour, HourlyRollup

__all__ = [
    "DailyRollup",
    "DirtyHour",
    "GenerationHistory",
    "GenerationMetric",
    "HourlyRollup",
    "Pattern",
    "PromptProposal",
    "QualityRule",
    "WaitingAnswer",
]

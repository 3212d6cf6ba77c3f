"""What calls cost and how good they were (seed 4)."""

from metrics.models.calls import GenerationHistory, GenerationMetric
from metrics.models.patterns import Pattern

__all__ = ["GenerationHistory", "GenerationMetric", "Pattern"]

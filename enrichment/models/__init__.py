"""Rows, prompts, results and batches."""

from enrichment.models.batches import (
    Batch,
    BatchChunk,
    BatchStatus,
    ChunkStage,
    ChunkStatus,
    ModelTurns,
    ProviderBatchSubmission,
    SubmissionState,
    Transport,
)
from enrichment.models.cascades import (
    BatchCascade,
    CallCascade,
    CascadeRecord,
    CheapAnswer,
    RunCascade,
)
from enrichment.models.column_names import COLUMNS, TABLES
from enrichment.models.declared import DeclaredEnrichment
from enrichment.models.enrichable import Enrichable
from enrichment.models.evaluations import (
    EvaluationAnswer,
    EvaluationCase,
    EvaluationRun,
    EvaluationSet,
)
from enrichment.models.facts import Fact, FactSource, WithoutFact
from enrichment.models.judges import JudgeCalibration, JudgedPair
from enrichment.models.prompts import Prompt
from enrichment.models.results import EnrichmentResult, ResultState
from enrichment.models.schedules import BatchSchedule, Recurrence
from llmconfig.models.naming import name_columns

__all__ = [
    "Batch",
    "BatchCascade",
    "BatchChunk",
    "BatchSchedule",
    "BatchStatus",
    "CallCascade",
    "CascadeRecord",
    "CheapAnswer",
    "ChunkStage",
    "ChunkStatus",
    "DeclaredEnrichment",
    "Enrichable",
    "EnrichmentResult",
    "EvaluationAnswer",
    "EvaluationCase",
    "EvaluationRun",
    "EvaluationSet",
    "Fact",
    "FactSource",
    "JudgeCalibration",
    "JudgedPair",
    "ModelTurns",
    "Prompt",
    "ProviderBatchSubmission",
    "Recurrence",
    "ResultState",
    "RunCascade",
    "SubmissionState",
    "Transport",
    "WithoutFact",
]

name_columns("enrichment", COLUMNS, TABLES)

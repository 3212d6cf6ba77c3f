"""The addresses of rows, batches, the review and facts."""

from django.urls import URLPattern, URLResolver, include, path, re_path

from enrichment.api import (
    batches,
    caching,
    calibration,
    declared,
    enriching,
    evaluations,
    events,
    facts,
    forecasts,
    judges,
    review,
)
from enrichment.api.failures import UnknownEnrichmentAddress
from enrichment.api.operations import OPERATIONS
from llmconfig.api.kit.documentation import describe

describe(OPERATIONS)

enrichment = [
    path("enrich", enriching.Enrich.as_view()),
    path("cache-stats", caching.EnrichmentCacheStats.as_view()),
    path("batches", batches.BatchList.as_view()),
    path("batches/forecast", forecasts.BatchForecast.as_view()),
    path("batches/<uuid:id>", batches.BatchRow.as_view()),
    path("batches/<uuid:id>/events", events.BatchEvents.as_view(), name="nodewise_batch_events"),
    path("batches/<uuid:id>/pause", batches.PauseBatch.as_view()),
    path("batches/<uuid:id>/resume", batches.ResumeBatch.as_view()),
    path("batches/<uuid:id>/cancel", batches.CancelBatch.as_view()),
    path("batches/<uuid:id>/retry", batches.RetryBatch.as_view()),
    path("batches/<uuid:id>/undo", batches.UndoBatch.as_view()),
    path("batches/<uuid:id>/failures", batches.BatchFailures.as_view()),
    path("calibration", calibration.ConfidenceCalibration.as_view()),
    path("evaluations/sets", evaluations.SetList.as_view()),
    path("evaluations/runs", evaluations.RunList.as_view()),
    path("evaluations/runs/forecast", evaluations.RunForecast.as_view()),
    path("evaluations/runs/<uuid:id>/continue", evaluations.ContinueRun.as_view()),
    path("evaluations/runs/<uuid:id>", evaluations.RunRow.as_view()),
    path("evaluations/runs/<uuid:id>/stop", evaluations.StopRun.as_view()),
    path("evaluations/judges", judges.JudgeList.as_view()),
    path("evaluations/comparison", evaluations.Comparing.as_view()),
    path("review", review.ReviewQueue.as_view()),
    path("review/<int:id>/accept", review.AcceptSuggestion.as_view()),
    path("review/<int:id>/edit", review.EditSuggestion.as_view()),
    path("review/<int:id>/reject", review.RejectSuggestion.as_view()),
    path("declared-enrichments", declared.DeclaredList.as_view()),
    path("declared-enrichments/<str:name>", declared.DeclaredRow.as_view()),
    path("fact-sources", facts.FactSourceList.as_view()),
    path("fact-sources/<str:name>", facts.FactSourceRow.as_view()),
    path("fact-sources/<str:name>/try", facts.TryFactSource.as_view()),
    path("fact-sources/<str:name>/refresh", facts.RefreshFacts.as_view()),
    re_path(r"^.*$", UnknownEnrichmentAddress.as_view()),
]
urlpatterns: list[URLPattern | URLResolver] = [path("api/llm/", include(enrichment))]

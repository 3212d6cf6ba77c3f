"""Addresses: sums and calls under /api/v1/llm/metrics, and /metrics for Prometheus."""

from django.urls import URLPattern, URLResolver, include, path

from llmconfig.api.kit.documentation import describe
from metrics.api import alerts, calls, experiments, reconciliation, reports, savings, sums
from metrics.api.operations import OPERATIONS

describe(OPERATIONS)

metrics = [
    path("breakdown", sums.Breakdown.as_view()),
    path("series", sums.Series.as_view()),
    path("series.csv", sums.Export.as_view()),
    path("forecast", sums.CostForecast.as_view()),
    path("what-if", sums.OtherModel.as_view()),
    path("what-if/models", sums.OtherModels.as_view()),
    path("unpriced", sums.UnpricedList.as_view()),
    path("savings", savings.SavingsList.as_view()),
    path("quality", sums.QualityList.as_view()),
    path("experiments/<str:name>", experiments.ExperimentComparison.as_view()),
    path("reconciliation", reconciliation.Reconciliation.as_view()),
    path("reports", reports.ReportList.as_view()),
    path("alerts/rules", alerts.AlertRuleList.as_view()),
    path("alerts/deliveries", alerts.AlertDeliveryList.as_view()),
    path("calls", calls.CallList.as_view()),
    path("calls/<uuid:id>", calls.CallRow.as_view()),
    path("calls/<uuid:id>/judgement", calls.CallJudgement.as_view()),
]
urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/llm/metrics/", include(metrics)),
    path("api/v1/llm/usage", sums.UsageSummary.as_view()),
    path("metrics", sums.Prometheus.as_view()),
]

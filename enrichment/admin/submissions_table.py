"""What was handed over to a provider, as the pages of batches and runs show it."""

from typing import Any

from django.db.models import Func, IntegerField, Q, QuerySet
from django.utils.translation import gettext

from enrichment.models import ProviderBatchSubmission, SubmissionState
from llmconfig.admin.kit.presentation import badge
from llmconfig.configuration.numbers import count

SUBMISSION_TONES = {
    SubmissionState.INTENDED: "info",
    SubmissionState.SUBMITTED: "info",
    SubmissionState.APPLIED: "good",
    SubmissionState.FAILED: "danger",
    SubmissionState.REPEATED: "warning",
}
SUBMISSIONS_SHOWN = 20


class JSONArrayLength(Func):
    """How many elements an array has, without loading it."""

    function = "jsonb_array_length"
    output_field = IntegerField()


def submissions_shown(rows: "QuerySet[ProviderBatchSubmission]") -> list[dict[str, Any]]:
    """The newest of these, those with something to tell first."""
    found = (
        rows.annotate(silent=Q(detail=""), calls=JSONArrayLength("rows"))
        .order_by("silent", "-created_at")
        .defer("rows", "costs")
    )
    return [
        {
            "state": badge(
                SubmissionState(each.state).label, SUBMISSION_TONES[SubmissionState(each.state)]
            ),
            "name": each.external_id or gettext("not submitted"),
            "to": f"{each.provider}/{each.model}",
            "rows": count(each.calls),
            "since": each.created_at,
            "detail": each.detail,
        }
        for each in found[:SUBMISSIONS_SHOWN]
    ]

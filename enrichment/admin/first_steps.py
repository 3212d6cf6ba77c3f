"""The last of the first steps: a batch."""

from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from enrichment.models import Batch
from llmconfig.admin.kit.checklist import Step, StepState, register_step


def _batch(request: HttpRequest) -> StepState:
    return StepState(
        Batch.objects.exists(),
        gettext("You see its cost and can try it before it starts."),
        "nodewise/step_batch.html",
    )


register_step(Step("batch", _("The first batch"), 60, "enrichment.add_batch", _batch))

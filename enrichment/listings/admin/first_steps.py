"""The first step of listings: some rows."""

from django.http import HttpRequest

from enrichment.listings.admin.importing import sample_file
from enrichment.listings.models import Animal
from llmconfig.admin.kit.checklist import Step, StepState, register_step
from llmconfig.admin.kit.presentation import count


def _rows(request: HttpRequest) -> StepState:
    number = Animal.objects.count()
    return StepState(
        bool(number),
        f"{count(number)} listings." if number else "From a file of yours; it shows a preview.",
        "nodewise/step_rows.html",
        {"sample": sample_file() is not None},
    )


register_step(Step("rows", "Rows", 50, "listings.add_animal", _rows))

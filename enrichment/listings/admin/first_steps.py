"""The first step of listings: some rows."""

from django.http import HttpRequest
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from enrichment.listings.admin.importing import sample_file
from enrichment.listings.models import Animal
from llmconfig.admin.kit.checklist import Step, StepState, register_step
from llmconfig.configuration.numbers import count


def _rows(request: HttpRequest) -> StepState:
    number = Animal.objects.count()
    return StepState(
        bool(number),
        ngettext("{number} listing.", "{number} listings.", number).format(number=count(number))
        if number
        else gettext("Upload a file; you see a preview first."),
        "nodewise/step_rows.html",
        {"sample": sample_file() is not None},
    )


register_step(Step("rows", _("Rows"), 50, "listings.add_animal", _rows))

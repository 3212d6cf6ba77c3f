"""The dashboard's card about listings."""

from django.db.models import Count
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext

from enrichment.listings.models import Animal
from llmconfig.admin.kit.dashboard import Widget, register_widget
from llmconfig.admin.kit.presentation import progress_bar
from llmconfig.configuration.numbers import count


def coverage_widget(request: HttpRequest) -> Widget | None:
    """How many listings have what each enrichment writes."""
    if not request.user.has_perm("listings.view_animal"):
        return None
    sums = Animal.objects.aggregate(
        total=Count("*"),
        cleaned=Count("enriched_description"),
        profile=Count("dog_profiler_data"),
        translated=Count("translations"),
    )
    address = reverse("admin:listings_animal_changelist")
    total = sums["total"]
    return Widget(
        "nodewise/widgets/coverage.html",
        {
            "total": total,
            "total_shown": count(total),
            "lines": [
                {
                    "label": label,
                    "bar": progress_bar(sums[name], total),
                    "missing_url": f"{address}?{name}=no",
                    "missing": count(total - sums[name]),
                }
                for name, label in (
                    ("cleaned", gettext("Cleaned descriptions")),
                    ("profile", gettext("Profiles")),
                    ("translated", gettext("Translations")),
                )
            ],
            "list_url": address,
        },
        width=4,
    )


register_widget(coverage_widget, rank=11)

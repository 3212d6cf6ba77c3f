"""Which models their provider stops serving, and from when that is worth a warning."""

import datetime as dt

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext

from llmconfig.models import ProviderModel

NOTICE = dt.timedelta(days=90)


def is_near(moment: dt.datetime | None) -> bool:
    """Whether it comes within 90 days, or is over."""
    return moment is not None and moment <= timezone.now() + NOTICE


def describe(moment: dt.datetime | None) -> str:
    """`retires on 4 May 2027`, or that it is over; blank while nothing is announced."""
    if moment is None:
        return ""
    ahead = moment > timezone.now()
    told = gettext("retires on {day}") if ahead else gettext("was retired on {day}")
    return told.format(day=date_format(moment, "DATE_FORMAT"))


def retiring_models() -> QuerySet[ProviderModel]:
    """Active models whose retirement is near, the nearest first."""
    return (
        ProviderModel.objects.filter(is_active=True, retires_at__lte=timezone.now() + NOTICE)
        .select_related("provider")
        .order_by("retires_at")
    )

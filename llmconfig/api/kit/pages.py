"""Lists: pages of a bounded size, in an order that the view offers."""

from typing import Any

from django.utils.translation import gettext
from rest_framework.exceptions import ValidationError
from rest_framework.filters import OrderingFilter
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request

MAX_PAGE_SIZE = 200
FARTHEST = 10_000_000


class Pages(LimitOffsetPagination):
    """`limit` (50 unless given, at most 200) and `offset`."""

    default_limit = 50
    max_limit = MAX_PAGE_SIZE

    def get_limit(self, request: Request) -> int:
        """The page's size; raises ValidationError rather than giving another than asked for."""
        return _number(request, "limit", least=1, most=MAX_PAGE_SIZE, default=50)

    def get_offset(self, request: Request) -> int:
        """Where the page starts; raises ValidationError."""
        return _number(request, "offset", least=0, most=FARTHEST, default=0)


class StrictOrdering(OrderingFilter):
    """`ordering`: names of fields that the view offers, - in front for descending."""

    def remove_invalid_fields(
        self, queryset: Any, fields: Any, view: Any, request: Request
    ) -> list[str]:
        """All or nothing: an unknown name raises ValidationError, it makes no other order."""
        kept = super().remove_invalid_fields(queryset, fields, view, request)
        if len(kept) != len(fields):
            offered = ", ".join(view.ordering_fields)
            raise ValidationError(
                {
                    "ordering": gettext("Order by any of {offered}, with - to reverse.").format(
                        offered=offered
                    )
                }
            )
        return [*kept, "pk"]  # equal values would else change places between pages


def _number(request: Request, name: str, *, least: int, most: int, default: int) -> int:
    raw = request.query_params.get(name, "")
    if not raw:
        return default
    if not (raw.isascii() and raw.isdecimal() and len(raw) <= 20 and least <= int(raw) <= most):
        raise ValidationError(
            {
                name: gettext("Give a whole number from {least} to {most}.").format(
                    least=least, most=most
                )
            }
        )
    return int(raw)

"""Filters of a list whose values are typed: there are too many of them to choose from."""

from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from msgspec import Struct

from llmconfig.admin.kit.theme import FILTERS_ARE_ONE_FORM


def _as_typed(text: str) -> str:
    return text


class TypedField(Struct, frozen=True):
    """One value. `read` gives what `lookup` filters by; ValueError from it tells the way out.

    Without a `lookup` something else filters by it. `shown` is how the box shows what was given.
    """

    name: str  # in the address
    label: str
    read: Callable[[str], Any] = _as_typed
    lookup: str = ""
    kind: str = "text"  # of HTML's input
    shown: Callable[[str], str] = _as_typed


class TypedFilter(admin.ListFilter):
    """Boxes to type into. A value that can't be read shows no rows and says why."""

    template = "nodewise/typed_filter.html"

    def __init__(
        self,
        request: HttpRequest,
        params: dict[str, Any],
        model: Any,
        model_admin: Any,
    ) -> None:
        super().__init__(request, params, model, model_admin)
        self.asked = self.fields(request)
        self.others = [
            (name, value)
            for name, values in request.GET.lists()
            if name not in {each.name for each in self.asked} | {"p", "e"}
            for value in values
        ]
        for each in self.asked:
            given = params.pop(each.name, [])
            text = (given[-1] if isinstance(given, list) and given else given or "").strip()
            if text:
                self.used_parameters[each.name] = text

    def fields(self, request: HttpRequest) -> tuple[TypedField, ...]:
        """The boxes, in their order."""
        raise NotImplementedError

    def expected_parameters(self) -> list[str | None]:
        return [each.name for each in self.asked]

    def has_output(self) -> bool:
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows with these values; none while one of them can't be read."""
        for each, text in self._given():
            try:
                value = each.read(text)
            except ValueError as error:
                messages.warning(request, f"{each.label}: {error}")
                return queryset.none()
            if each.lookup:
                queryset = queryset.filter(**{each.lookup: value})
        return queryset

    def _given(self) -> Iterator[tuple[TypedField, str]]:
        for each in self.asked:
            if each.name in self.used_parameters:
                yield each, str(self.used_parameters[each.name])

    def choices(self, changelist: Any) -> Iterator[Any]:
        """What the template draws."""
        yield {
            "boxes": [self._box(each) for each in self.asked],
            "others": () if FILTERS_ARE_ONE_FORM else self.others,
            "own_form": not FILTERS_ARE_ONE_FORM,
        }

    def _box(self, field: TypedField) -> dict[str, str]:
        text, wrong = str(self.used_parameters.get(field.name, "")), ""
        if text:
            try:
                field.read(text)
                text = field.shown(text)
            except ValueError as error:
                wrong = str(error)
        # A browser shows only a time in a box for times.
        kind = "text" if wrong else field.kind
        return {
            "name": field.name, "label": field.label, "kind": kind, "value": text, "wrong": wrong,
        }  # fmt: skip

"""The OpenAPI schema: every operation says which errors it may answer with."""

from typing import Any, Literal

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

Direction = Literal["request", "response"]
WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag that you read. If somebody has changed it since: 412, and nothing of"
    " yours is written. Without this header the last one to write wins.",
)
ETAG = OpenApiParameter(
    "ETag",
    str,
    OpenApiParameter.HEADER,
    response=[200],
    description="The newest revision that changed this, to be sent back as If-Match.",
)


class ErrorSerializer(serializers.Serializer[Any]):
    """What went wrong."""

    code = serializers.CharField(help_text="Stable; made for programs.")
    message = serializers.CharField(help_text="One line for people.")
    field = serializers.CharField(
        allow_null=True, help_text="The part of the request at fault, null if none is."
    )


class ErrorBodySerializer(serializers.Serializer[Any]):
    """Every error of this API."""

    error = ErrorSerializer()


class DocumentedSchema(AutoSchema):
    """Adds the errors to each operation, in the shape of the view's `error_serializer`."""

    def get_override_parameters(self) -> list[Any]:
        """How a write says what it was read at, where the view knows versions."""
        found = list(super().get_override_parameters())
        if not getattr(self.view, "versioned", False):
            return found
        return [*found, *([IF_MATCH] if self.method in WRITING else []), ETAG]

    def _get_response_bodies(self, direction: Direction = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        serializer = getattr(self.view, "error_serializer", ErrorBodySerializer)
        for status in self._error_statuses():
            bodies.setdefault(status, self._get_response_for_code(serializer, status))  # type: ignore[no-untyped-call]
        return bodies

    def _error_statuses(self) -> list[str]:
        found = {"401", "403", "500"}
        if "{" in self.path:
            found.add("404")
        if self.method in WRITING:
            found |= {"409"} | ({"412"} if getattr(self.view, "versioned", False) else set())
        if self.method in WITH_BODY:
            found |= {"400", "413", "415"}
        if self._is_list_view() or getattr(self.view, "filterset_fields", None):
            found.add("400")
        found |= getattr(self.view, "more_error_statuses", frozenset())
        return sorted(found)

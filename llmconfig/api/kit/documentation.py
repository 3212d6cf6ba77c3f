"""The OpenAPI schema: what each operation does, who may call it and which errors it may give.

Each app describes its operations in one table, `operations.py` beside its views.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from llmconfig.roles import Role

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


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation in words: `summary` in the imperative, `text` in whole sentences."""

    summary: str
    text: str
    public: bool = False  # anybody may call it


# By method and path, such as "GET /api/v1/llm/budgets".
_operations: dict[str, Operation] = {}
# What each error means, unless an operation's own text says more.
ERRORS: Mapping[str, str] = {
    "400": "a parameter or field is wrong; `field` names it",
    "404": "there is no such row",
    "406": "the answer can't be given in the form that is asked for",
    "409": "its present state, or something that needs it, rules this out; the message says what",
    "412": "somebody has changed it since the version in `If-Match`; nothing was written",
    "413": "the body is too large",
    "415": "the body is not JSON",
    "502": "no model could answer",
    "503": "calls are switched off, or what answers them can't be reached; try again later",
}
PERMISSIONS: Mapping[Role, str] = {
    Role.VIEWER: "Viewers, operators and administrators may call it.",
    Role.OPERATOR: "Operators and administrators may call it.",
    Role.ADMINISTRATOR: "Administrators may call it.",
}


def describe(operations: Mapping[str, Operation]) -> None:
    """Add an app's operations by method and path; for the module of its addresses."""
    _operations.update(operations)


def described() -> Mapping[str, Operation]:
    """All operations that an app has described, by method and path."""
    return _operations


class ErrorSerializer(serializers.Serializer[Any]):
    """An error's code, its message and the field that it concerns."""

    code = serializers.CharField(help_text="Stable; made for programs.")
    message = serializers.CharField(help_text="One line for people.")
    field = serializers.CharField(
        allow_null=True, help_text="The part of the request at fault, null if none is."
    )


class ErrorBodySerializer(serializers.Serializer[Any]):
    """The body of every error below /api/v1/llm."""

    error = ErrorSerializer()


class DocumentedSchema(AutoSchema):
    """Adds the errors to each operation, in the shape of the view's `error_serializer`."""

    def get_summary(self) -> str | None:
        """The described summary; None, which a test refuses, where nobody described it."""
        found = _operations.get(f"{self.method} {self.path}")
        return found.summary if found else None

    def get_description(self) -> str:  # type: ignore[override]  # the base class leaves it untyped
        """What happens, who may, and what errors mean."""
        found = _operations.get(f"{self.method} {self.path}")
        if found is None:
            return ""
        role = Role.VIEWER
        if self.method in WRITING:
            role = getattr(self.view, "write_role", Role.ADMINISTRATOR)
        errors = [
            f"{status}: {ERRORS[status]}" for status in self._error_statuses() if status in ERRORS
        ]
        parts = [found.text] if found.public else [found.text, PERMISSIONS[role]]
        return "\n\n".join([*parts, f"Errors: {'; '.join(errors)}."] if errors else parts)

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

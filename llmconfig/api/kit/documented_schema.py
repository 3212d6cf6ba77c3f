"""How an operation is drawn up for the OpenAPI document; only who reads that imports this."""

from typing import Any, Literal

from drf_spectacular.openapi import AutoSchema

from llmconfig.api.kit.documentation import (
    ERRORS,
    ETAG,
    IF_MATCH,
    PERMISSIONS,
    ErrorBodySerializer,
    described,
)
from llmconfig.roles import Role

Direction = Literal["request", "response"]
WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class DocumentedSchema(AutoSchema):
    """Adds the errors to each operation, in the shape of the view's `error_serializer`."""

    def get_summary(self) -> str | None:
        """The described summary; None, which a test refuses, where nobody described it."""
        found = described().get(f"{self.method} {self.path}")
        return found.summary if found else None

    def get_description(self) -> str:  # type: ignore[override]  # the base class leaves it untyped
        """What happens, who may, and what errors mean."""
        found = described().get(f"{self.method} {self.path}")
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

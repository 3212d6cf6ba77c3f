"""Who may call what: reading takes a viewer, acting an operator, configuring an administrator."""

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from llmconfig.roles import RANK, Role, rank_of


class RolePermission(BasePermission):
    """Compares the caller's role with the view's `write_role` (administrator unless it says)."""

    message = "Your role does not allow this."

    def has_permission(self, request: Request, view: Any) -> bool:
        """Viewers read; writing needs the role that the view names."""
        needed = (
            Role.VIEWER
            if request.method in SAFE_METHODS
            else getattr(view, "write_role", Role.ADMINISTRATOR)
        )
        return rank_of(request.user) >= RANK[needed]

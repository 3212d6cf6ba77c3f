"""What Django calls and explains fields by, which the database knows nothing of."""

from django.db.migrations.operations import SeparateDatabaseAndState
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState


class Reworded(SeparateDatabaseAndState):
    """Changes of names, help texts, choices and options alone: no statement is sent for them.

    Django would make each model, and those related to it, anew after each field: half of the time
    that an empty database takes to migrate. Here all are made once afterwards, where needed.
    """

    def __init__(self, operations: list[Operation]) -> None:
        super().__init__(state_operations=operations)

    def deconstruct(self) -> tuple[str, list[list[Operation]], dict[str, object]]:
        return self.__class__.__name__, [list(self.state_operations)], {}

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change the state while no models are made from it."""
        state.__dict__.pop("apps", None)
        super().state_forwards(app_label, state)

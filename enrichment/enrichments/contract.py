"""What an enrichment is: what it reads, says, accepts and writes."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django.apps import apps
from django.db.models import Model

from llmconfig.client.records import Generation


@dataclass(frozen=True, slots=True)
class PromptText:
    """The two messages, with `{{name}}` where a value goes."""

    system: str
    user: str


class Enrichment(ABC):
    """One kind of work on a row. Subclasses are stateless; one instance serves all threads."""

    name: ClassVar[str]  # the API's processing_type
    label: ClassVar[str]
    node: ClassVar[str]
    feature: ClassVar[str]  # the LLM_FEATURE_ variable that can switch it off
    target: ClassVar[str] = "enrichment.Animal"
    organization_field: ClassVar[str] = "organization_id"  # blank: the rows have none
    reads: ClassVar[tuple[str, ...]]  # columns that the answer depends on; staleness hashes them
    writes: ClassVar[str]  # the column that the value goes to
    by_variant: ClassVar[bool] = False  # the column is a JSON object with a key per variant
    prompt: ClassVar[PromptText]
    schema: ClassVar[Mapping[str, Any] | None] = None

    @classmethod
    def model(cls) -> type[Model]:
        """The table whose rows are enriched."""
        return apps.get_model(cls.target)

    @abstractmethod
    def values(self, row: Mapping[str, Any], *, variant: str) -> dict[str, str]:
        """What the prompt's names stand for, from a row of `reads`."""

    def skip_reason(self, values: Mapping[str, str], *, variant: str) -> str:
        """Why a row should not be sent at all; blank to send it."""
        return ""

    @abstractmethod
    def accept(self, answer: Generation, values: Mapping[str, str]) -> Any:
        """The value to write; raises AnswerRejected with a reason for the reviewer."""

"""What a call raises that carries its record; the rest of the tree is in `llmconfig.errors`.

ConfigurationError
└── BudgetExceeded          a budget's hard limit forbids the call
GenerationFailed            a call ended without an answer
├── GenerationRefused       never again as it is: the request or account is at fault
├── GenerationExhausted     try again later: every attempt and target failed
└── AnswerInvalid           the model answered, but not in the shape that was asked
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Self

from llmconfig.client.types import BudgetShortage, CallRecord, Generation
from llmconfig.errors import ConfigurationError, LLMError


class BudgetExceeded(ConfigurationError):
    """A hard limit forbids the call; the text names the budget. Holds the call's record.

    `shortage` is the budget and what it would have to have left; None where its limit isn't why,
    but a price that nobody knows.
    """

    code = "budget_exceeded"

    def __init__(
        self,
        message: str,
        *,
        record: CallRecord | None = None,
        shortage: BudgetShortage | None = None,
    ) -> None:
        super().__init__(message)
        self.record = record
        self.shortage = shortage


class GenerationFailed(LLMError):
    """A call ended without an answer; `record` holds every attempt."""

    code = "generation_failed"

    def __init__(self, message: str, *, record: CallRecord) -> None:
        super().__init__(message)
        self.record = record

    def __reduce__(self) -> tuple[Callable[..., Self], tuple[Any, ...], dict[str, Any]]:
        """Cross processes whole: a pool whose worker's error can't be read again breaks."""
        return partial(type(self), record=self.record), self.args, vars(self)


class GenerationRefused(GenerationFailed):
    """Repeating the same request can't help."""

    code = "generation_refused"


class GenerationExhausted(GenerationFailed):
    """Attempts, targets or time ran out; a later try may succeed."""

    code = "generation_exhausted"


class AnswerInvalid(GenerationFailed):
    """The answer breaks the asked schema, also after its repair.

    `answer` is the last one, without a value: perhaps it was only cut (its record's finish reason).
    """

    code = "answer_invalid"

    def __init__(
        self, message: str, *, record: CallRecord, answer: Generation | None = None
    ) -> None:
        super().__init__(message, record=record)
        self.answer = answer

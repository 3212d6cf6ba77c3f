"""What llmconfig raises.

LLMError
├── ConfigurationError          the configuration can't answer: a person must change it
│   ├── CallsDisabled           the master switch (or a feature's) is off
│   ├── UnknownNode             no node or interaction type has this name
│   ├── NoTarget                nothing says which provider and model to call
│   ├── BudgetExceeded          a budget's hard limit forbids the call
│   ├── UnknownProviderType     a provider is of a kind that this installation lacks
│   ├── SecretUnreadable        a stored or referenced key can't be read
│   ├── ChangeRefused           a configuration write that breaks a rule; names the field
│   └── NodesFileInvalid        the YAML of nodes is wrong; names line and field
└── GenerationFailed            a call ended without an answer; holds its record
    ├── GenerationRefused       never again as it is: the request or account is at fault
    ├── GenerationExhausted     try again later: every attempt and target failed
    └── AnswerInvalid           the model answered, but not in the shape that was asked
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmconfig.client.types import CallRecord


class LLMError(Exception):
    """The root; `code` is stable and safe to show to API clients."""

    code = "llm_error"


class ConfigurationError(LLMError):
    """The configuration can't answer; the text says what to change."""

    code = "configuration"


class CallsDisabled(ConfigurationError):
    """A switch forbids the call."""

    code = "calls_disabled"


class UnknownNode(ConfigurationError):
    """No node or interaction type has this name."""

    code = "unknown_node"


class UnknownProviderType(ConfigurationError):
    """No registered kind of provider has this name."""

    code = "unknown_provider_type"


class NoTarget(ConfigurationError):
    """No enabled provider and model could be found."""

    code = "no_target"


class BudgetExceeded(ConfigurationError):
    """A hard limit forbids the call; the text names the budget. Holds the call's record."""

    code = "budget_exceeded"

    def __init__(self, message: str, *, record: "CallRecord | None" = None) -> None:
        super().__init__(message)
        self.record = record


class SecretUnreadable(ConfigurationError):
    """A key can't be decrypted or fetched; the text never holds any part of it."""

    code = "secret_unreadable"


class ChangeRefused(ConfigurationError):
    """A write that breaks a rule; `field` names where."""

    code = "change_refused"

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class NodesFileInvalid(ConfigurationError):
    """The nodes file is wrong; `line` counts from 1, 0 when unknown."""

    code = "nodes_file_invalid"

    def __init__(self, message: str, *, line: int = 0, field: str = "") -> None:
        super().__init__(message)
        self.line = line
        self.field = field


class GenerationFailed(LLMError):
    """A call ended without an answer; `record` tells every attempt."""

    code = "generation_failed"

    def __init__(self, message: str, *, record: "CallRecord") -> None:
        super().__init__(message)
        self.record = record


class GenerationRefused(GenerationFailed):
    """Repeating the same request can't help."""

    code = "generation_refused"


class GenerationExhausted(GenerationFailed):
    """Attempts, targets or time ran out; a later try may succeed."""

    code = "generation_exhausted"


class AnswerInvalid(GenerationFailed):
    """The answer breaks the asked schema, also after its repair."""

    code = "answer_invalid"

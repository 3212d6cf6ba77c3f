"""What llmconfig raises.

LLMError
├── ConfigurationError          the configuration can't answer: a person must change it
│   ├── CallsDisabled           the master switch (or a feature's) is off
│   ├── UnknownNode             no node or interaction type has this name
│   ├── NoTarget                nothing says which provider and model to call
│   ├── BudgetExceeded          a budget's hard limit forbids the call (`llmconfig.client.errors`)
│   ├── UnknownProviderType     a provider is of a kind that this installation lacks
│   ├── SecretUnreadable        a stored or referenced key can't be read
│   ├── ChangeRefused           a configuration write that breaks a rule; names the field
│   ├── ConfigurationUnavailable  the database, where the configuration is, doesn't answer
│   ├── NodesFileInvalid        the YAML of nodes is wrong; names line and field
│   └── ExtraMissing            a package is not installed; names the extra that brings it
└── GenerationFailed            a call ended without an answer (`llmconfig.client.errors`)
"""

from collections.abc import Sequence

from django.db import OperationalError


class LLMError(Exception):
    """The root; `code` is stable and safe to show to API clients."""

    code = "llm_error"


class ConfigurationError(LLMError):
    """The configuration can't answer; the text says what to change."""

    code = "configuration"


class CallsDisabled(ConfigurationError):
    """The processing settings switch all calls off."""

    code = "calls_disabled"


class UnknownNode(ConfigurationError):
    """No node or interaction type has this name."""

    code = "unknown_node"


class ConfigurationUnavailable(ConfigurationError, OperationalError):
    """The database, where the configuration is, doesn't answer; a later call may find it."""

    code = "configuration_unavailable"


class UnknownProviderType(ConfigurationError):
    """No registered kind of provider has this name."""

    code = "unknown_provider_type"


class NoTarget(ConfigurationError):
    """No enabled provider and model could be found."""

    code = "no_target"


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
    """The nodes file is wrong; `line` counts from 1, 0 when unknown, and `file` is its path.

    `problems` are all that was found, each an error of its own; of several, this one has a line of
    text for each, and the first one's place.
    """

    code = "nodes_file_invalid"

    def __init__(
        self,
        message: str,
        *,
        line: int = 0,
        field: str = "",
        file: str = "",
        problems: Sequence["NodesFileInvalid"] = (),
    ) -> None:
        super().__init__(message)
        self.line = line
        self.field = field
        self.file = file
        self._problems = tuple(problems)

    @property
    def problems(self) -> tuple["NodesFileInvalid", ...]:
        """Each mistake; itself where it is the only one."""
        return self._problems or (self,)


class ExtraMissing(ConfigurationError):
    """A package is not installed; the text names the extra that brings it."""

    code = "extra_missing"

"""What can go wrong in the simulator.

SimulatorError          the command cannot go on; the text is one line for the person who ran it
├── CannotListen        the address is taken, unknown or not ours
└── BadControl          a posted control or plan is not understood (400)
Refusal                 the provider says no to one request, in its vendor's own shape
"""

from __future__ import annotations


class SimulatorError(Exception):
    """The text names what is wrong and the way out, in one line."""


class CannotListen(SimulatorError):
    """No server can be bound to the asked address."""


class BadControl(SimulatorError):
    """A control or plan holds a field or value that is not understood."""


class SimulatedRefusal(Exception):
    """One request refused; `kind` is the vendor's error type, None for the status's usual one."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str | None = None,
        code: str | None = None,
        param: str | None = None,
        retry_after: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.code = code
        self.param = param
        self.retry_after = retry_after

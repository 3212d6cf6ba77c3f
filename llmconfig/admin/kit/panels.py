"""What the apps above know of nodes, experiments, keys and calls, shown on our pages: they
register it here.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol
from uuid import UUID

from django.http import HttpRequest
from msgspec import Struct, field


class Panel(Struct, frozen=True):
    """One part of a page. `template` draws it with `context`, there named `panel`."""

    template: str
    context: dict[str, Any] = field(default_factory=dict)


class AskedBefore(Struct, frozen=True):
    """What the playground starts with: messages to a target, as a row or a call of before has them.

    `note` says where they are from, or why there are none.
    """

    target: str
    note: str
    system: str = ""
    message: str = ""
    schema: Mapping[str, Any] | None = None


class RowPrompts(Protocol):
    """Prompts that are filled with rows of tables."""

    def nodes(self) -> Iterable[str]:
        """The nodes that such prompts are for."""

    def asked(self, request: HttpRequest, node: str, row: str) -> AskedBefore | None:
        """What the node is asked about a row, the first one if blank; None: nothing to see."""


RecordedCall = Callable[[HttpRequest, UUID], AskedBefore | None]  # None: not for this person
NodePanel = Callable[[HttpRequest, str], Panel | None]  # None: nothing for this person
CallLink = Callable[[HttpRequest, UUID], str]  # blank: nothing for this person
Doubts = Callable[[str, str], list[str]]  # experiment and arm
_NODE_PANELS: dict[str, NodePanel] = {}
_EXPERIMENT_PANELS: dict[str, NodePanel] = {}
_DOUBTS: dict[str, Doubts] = {}
_KEY_PANELS: dict[str, NodePanel] = {}
_CALL_LINKS: dict[str, CallLink] = {}
_RECORDED_CALLS: dict[str, RecordedCall] = {}
_ROW_PROMPTS: list[RowPrompts] = []


def register_node_panel(builder: NodePanel) -> None:
    """Put a panel on every node's page; `builder` gets the node's name."""
    _NODE_PANELS[f"{builder.__module__}.{builder.__qualname__}"] = builder


def node_panels(request: HttpRequest, node: str) -> list[Panel]:
    """The panels of one node for this person."""
    built = (builder(request, node) for builder in _NODE_PANELS.values())
    return [panel for panel in built if panel is not None]


def register_experiment_panel(builder: NodePanel) -> None:
    """Put a panel on every experiment's page; `builder` gets the experiment's name."""
    _EXPERIMENT_PANELS[f"{builder.__module__}.{builder.__qualname__}"] = builder


def experiment_panels(request: HttpRequest, experiment: str) -> list[Panel]:
    """The panels of one experiment for this person."""
    built = (builder(request, experiment) for builder in _EXPERIMENT_PANELS.values())
    return [panel for panel in built if panel is not None]


def register_key_panel(builder: NodePanel) -> None:
    """Put a panel on every API key's page; `builder` gets the key's name."""
    _KEY_PANELS[f"{builder.__module__}.{builder.__qualname__}"] = builder


def key_panels(request: HttpRequest, key: str) -> list[Panel]:
    """The panels of one API key for this person."""
    built = (builder(request, key) for builder in _KEY_PANELS.values())
    return [panel for panel in built if panel is not None]


def register_doubts(builder: Doubts) -> None:
    """Say what speaks against taking over an arm; `builder` gets experiment and arm."""
    _DOUBTS[f"{builder.__module__}.{builder.__qualname__}"] = builder


def doubts(experiment: str, arm: str) -> list[str]:
    """What speaks against taking over the arm, in words with figures; none when nothing does."""
    return [each for builder in _DOUBTS.values() for each in builder(experiment, arm)]


def register_call_link(link: CallLink) -> None:
    """Say where a stored call is shown; `link` gets its correlation id."""
    _CALL_LINKS[f"{link.__module__}.{link.__qualname__}"] = link


def call_link(request: HttpRequest, correlation_id: UUID) -> str:
    """Where this person sees the call, blank if nowhere."""
    return next(filter(None, (link(request, correlation_id) for link in _CALL_LINKS.values())), "")


def register_row_prompts(prompts: RowPrompts) -> None:
    """Let the playground fill prompts with rows."""
    if prompts not in _ROW_PROMPTS:
        _ROW_PROMPTS.append(prompts)


def nodes_with_rows() -> list[str]:
    """The nodes that rows are asked about."""
    return sorted({node for prompts in _ROW_PROMPTS for node in prompts.nodes()})


def asked_about(request: HttpRequest, node: str, row: str) -> AskedBefore | None:
    """What a node is asked about a row; None where no rows are asked about."""
    found = (prompts.asked(request, node, row) for prompts in _ROW_PROMPTS)
    return next((each for each in found if each is not None), None)


def register_recorded_call(builder: RecordedCall) -> None:
    """Say what a stored call asked; `builder` gets its correlation id."""
    _RECORDED_CALLS[f"{builder.__module__}.{builder.__qualname__}"] = builder


def recorded_call(request: HttpRequest, correlation_id: UUID) -> AskedBefore | None:
    """What the call asked, as far as this person may read it."""
    found = (builder(request, correlation_id) for builder in _RECORDED_CALLS.values())
    return next((each for each in found if each is not None), None)

"""What the apps above know of nodes, experiments, keys and calls, shown on our pages: they
register it here.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Panel:
    """One part of a page. `template` draws it with `context`, there named `panel`."""

    template: str
    context: dict[str, Any] = field(default_factory=dict)


NodePanel = Callable[[HttpRequest, str], Panel | None]  # None: nothing for this person
CallLink = Callable[[HttpRequest, UUID], str]  # blank: nothing for this person
Doubts = Callable[[str, str], list[str]]  # experiment and arm
_NODE_PANELS: dict[str, NodePanel] = {}
_EXPERIMENT_PANELS: dict[str, NodePanel] = {}
_DOUBTS: dict[str, Doubts] = {}
_KEY_PANELS: dict[str, NodePanel] = {}
_CALL_LINKS: dict[str, CallLink] = {}


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

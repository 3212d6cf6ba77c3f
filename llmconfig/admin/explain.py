"""Where each value of a node or interaction type comes from, ready to be drawn as a table."""

from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from msgspec import Struct

from llmconfig.configuration import layers, snapshot
from llmconfig.configuration.numbers import count, decimal
from llmconfig.configuration.resolution import Resolution, Target, explain
from llmconfig.errors import UnknownNode

LABELS = {
    "model": _("Model"),
    "provider": _("Provider"),
    "temperature": _("Temperature"),
    "max_tokens": _("Max tokens"),
    "fallbacks": _("Fallbacks"),
}
LAYER_NAMES = {
    layers.CALLER: _("caller"),
    layers.USER_NODE: _("user override for the node"),
    layers.USER_TYPE: _("user override for the interaction type"),
    layers.EXPERIMENT: _("experiment"),
    layers.NODE: _("node"),
    layers.INTERACTION: _("interaction type"),
    layers.PROCESSING: _("processing settings"),
    layers.ENVIRONMENT: _("environment"),
}
# A page has no caller and no user: those layers are always empty there.
FIRST_SHOWN = 3


class LayerCell(Struct, frozen=True):
    """What one layer holds for a field."""

    layer: str
    text: str
    wins: bool


class FieldRow(Struct, frozen=True):
    """A field's value in each layer of the resolution."""

    label: str
    cells: tuple[LayerCell, ...]


class Explanation(Struct, frozen=True):
    """The table, the targets in the order they are tried, and what is odd."""

    layers: tuple[str, ...]
    rows: tuple[FieldRow, ...]
    targets: tuple[str, ...]
    warnings: tuple[str, ...]
    enabled: bool


def explain_node(name: str) -> Explanation | None:
    """The explanation as of now; None while the name isn't known to the snapshot."""
    state = snapshot.current()
    try:
        found = explain(name, snapshot=state)
    except UnknownNode:
        return None
    return Explanation(
        layers=tuple(name_of(each.layer) for each in found.layers["model"][FIRST_SHOWN:]),
        rows=tuple(_row(field_name, found) for field_name in LABELS),
        targets=tuple(describe(target) for target in found.targets),
        warnings=found.warnings,
        enabled=bool(state.processing.get("enabled")),
    )


def name_of(layer: str) -> str:
    """A layer's name in the reader's language; a variable of the environment has its own."""
    return str(LAYER_NAMES.get(layer, layer))


def _row(field_name: str, found: Resolution) -> FieldRow:
    winner = found.winner(field_name)
    return FieldRow(
        str(LABELS[field_name]),
        tuple(
            LayerCell(name_of(each.layer), _text(each.value), each is winner)
            for each in found.layers[field_name][FIRST_SHOWN:]
        ),
    )


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, float):
        return decimal(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return count(value)
    return "" if value is None else str(value)


def describe(target: Target) -> str:
    """One target in a line: provider/model and the parameters that are sent."""
    parts = [f"{target.provider.name}/{target.model_id}"]
    if target.temperature is not None:
        parts.append(gettext("temperature {number}").format(number=decimal(target.temperature)))
    if target.max_tokens is not None:
        parts.append(gettext("at most {number} tokens").format(number=count(target.max_tokens)))
    if target.dropped:
        parts.append(gettext("without {parameters}").format(parameters=", ".join(target.dropped)))
    return ", ".join(parts)

"""Which wire a kind of provider speaks."""

from collections.abc import Mapping

from llmconfig import provider_types
from llmconfig.client.wire import Wire
from llmconfig.client.wire.anthropic import AnthropicWire
from llmconfig.client.wire.openai import OpenAIWire

OPENAI_WIRE = OpenAIWire()
ANTHROPIC_WIRE = AnthropicWire()
WIRES: Mapping[str, Wire] = {"openai": OPENAI_WIRE, "anthropic": ANTHROPIC_WIRE}


def wire_of(provider_type: str) -> Wire:
    """The wire of a provider type's name; raises UnknownProviderType."""
    return WIRES[provider_types.get(provider_type).wire]

"""Which wire a model of a provider speaks."""

from collections.abc import Mapping

from llmconfig import provider_types
from llmconfig.client.wire import Wire
from llmconfig.client.wire.anthropic import AnthropicWire
from llmconfig.client.wire.openai import OpenAIWire
from llmconfig.client.wire.responses import ResponsesWire

WIRES: Mapping[str, Wire] = {
    "openai": OpenAIWire(),
    "anthropic": AnthropicWire(),
    "responses": ResponsesWire(),
}


def wire_of(provider_type: str, model_id: str = "") -> Wire:
    """The wire of a provider type's name, for one of its models; raises UnknownProviderType."""
    return WIRES[provider_types.get(provider_type).wire_of(model_id)]

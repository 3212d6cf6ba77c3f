"""What OpenTelemetry calls the providers that it knows: `gen_ai.provider.name`.

Source: https://github.com/open-telemetry/semantic-conventions-genai, registry of attributes
"""

from collections.abc import Mapping
from types import MappingProxyType

from yarl import URL

from llmconfig.configuration.facts import ProviderFacts

BY_TYPE: Mapping[str, str] = MappingProxyType(
    {"openai": "openai", "anthropic": "anthropic", "azure_openai": "azure.ai.openai"}
)
# Vendors that speak one of our wires and have no type of their own, by the end of their host.
BY_HOST: Mapping[str, str] = MappingProxyType(
    {
        "api.openai.com": "openai",
        "api.anthropic.com": "anthropic",
        "openai.azure.com": "azure.ai.openai",
        "services.ai.azure.com": "azure.ai.inference",
        "amazonaws.com": "aws.bedrock",
        "generativelanguage.googleapis.com": "gcp.gemini",
        "aiplatform.googleapis.com": "gcp.vertex_ai",
        "api.cohere.com": "cohere",
        "api.cohere.ai": "cohere",
        "api.deepseek.com": "deepseek",
        "api.groq.com": "groq",
        "api.mistral.ai": "mistral_ai",
        "api.moonshot.ai": "moonshot_ai",
        "api.perplexity.ai": "perplexity",
        "api.x.ai": "x_ai",
        "cloud.ibm.com": "ibm.watsonx.ai",
    }
)


def well_known_name(provider: ProviderFacts) -> str:
    """The name that OpenTelemetry has for a provider's vendor, else our own name for it."""
    try:
        host = URL(provider.base_url).host or ""
    except ValueError:
        host = ""
    for end, name in BY_HOST.items():
        if host == end or host.endswith(f".{end}"):
            return name
    return BY_TYPE.get(provider.provider_type, provider.name)

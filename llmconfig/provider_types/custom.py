"""Any server that speaks OpenAI's format: vLLM, TGI, LocalAI, or a vendor without a type."""

from django.utils.translation import gettext_lazy as _

from llmconfig.provider_types.contract import ProviderType

TYPE = ProviderType(
    name="custom",
    label=_("Custom (OpenAI-compatible)"),
    wire="openai",
    needs_key=False,
    private_network=True,
    lists_capable_models=False,
    schema_form="grammar",
    source="https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
)

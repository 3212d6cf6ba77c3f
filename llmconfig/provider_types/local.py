"""A server on one's own machine: Ollama, llama.cpp, LM Studio."""

from django.utils.translation import gettext_lazy as _

from llmconfig.provider_types.contract import ProviderType

TYPE = ProviderType(
    name="local",
    label=_("Local server (Ollama, llama.cpp, LM Studio)"),
    wire="openai",
    base_url="http://localhost:11434/v1",
    needs_key=False,
    private_network=True,
    free=True,
    lists_capable_models=False,
    schema_form="grammar",
    # LM Studio refuses an object (https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/670),
    # llama.cpp takes it for `auto`.
    chooses_tools_by_word=True,
    source="https://github.com/ollama/ollama/blob/main/docs/openai.md",
)

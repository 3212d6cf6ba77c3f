"""OpenAI's models as deployments in an Azure resource."""

from llmconfig.provider_types.contract import ProviderType

TYPE = ProviderType(
    name="azure_openai",
    label="Azure OpenAI",
    wire="openai",
    key_header="api-key",
    key_prefix="",
    default_api_version="2024-10-21",
    chat_path="/openai/deployments/{model}/chat/completions?api-version={version}",
    embeddings_path="/openai/deployments/{model}/embeddings?api-version={version}",
    models_path="/openai/models?api-version={version}",
    # The last version of the data plane that lists deployments; later ones list base models only.
    deployments_path="/openai/deployments?api-version=2023-03-15-preview",
    price_list="azure",
    output_limit="max_completion_tokens",
    schema_form="openai_narrow",
    refuses_unknown_fields=True,
    takes_all_tools=True,
    takes_azure_values=True,
    source="https://learn.microsoft.com/azure/ai-services/openai/reference",
)

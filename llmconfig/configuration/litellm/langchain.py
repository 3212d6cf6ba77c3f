"""LangChain's models as LiteLLM's deployments: serialized ones, and arguments by name.

`langchain_core.load.dumps` writes `{"lc": 1, "type": "constructor", "id": […], "kwargs": {…}}`,
older releases `{"_type": "openai-chat", …}`; `init_chat_model` takes `"openai:gpt-4o"`.
"""

from collections.abc import Mapping
from typing import Any

from llmconfig.configuration.litellm.figures import ENVIRONMENT, mapping

CLASSES = {
    "ChatOpenAI": "openai", "OpenAIEmbeddings": "openai", "OpenAI": "openai",
    "AzureChatOpenAI": "azure", "AzureOpenAIEmbeddings": "azure", "ChatAnthropic": "anthropic",
    "ChatOllama": "ollama", "OllamaEmbeddings": "ollama", "ChatGroq": "groq",
    "ChatMistralAI": "mistral", "ChatDeepSeek": "deepseek", "ChatXAI": "xai",
    "ChatGoogleGenerativeAI": "gemini", "ChatTogether": "together_ai",
    "ChatOpenRouter": "openrouter",
    "ChatFireworks": "fireworks_ai", "ChatPerplexity": "perplexity", "ChatCohere": "cohere",
    "ChatBedrock": "bedrock", "ChatBedrockConverse": "bedrock", "ChatVertexAI": "vertex_ai",
}  # fmt: skip
# `model_provider` of init_chat_model, where it differs from LiteLLM's word.
PROVIDERS = {
    "azure_openai": "azure", "google_genai": "gemini", "google_vertexai": "vertex_ai",
    "mistralai": "mistral", "together": "together_ai", "fireworks": "fireworks_ai",
    "bedrock_converse": "bedrock", "google_anthropic_vertex": "vertex_ai",
}  # fmt: skip
TYPES = {"openai-chat": "openai", "openai": "openai", "azure-openai-chat": "azure",
         "anthropic-chat": "anthropic", "chat-ollama": "ollama"}  # fmt: skip
RENAMED = {
    "model_name": "model", "openai_api_base": "api_base", "base_url": "api_base",
    "anthropic_api_url": "api_base", "azure_endpoint": "api_base", "azure_deployment": "model",
    "deployment_name": "model", "openai_api_key": "api_key", "anthropic_api_key": "api_key",
    "openai_api_version": "api_version", "request_timeout": "timeout",
    "default_request_timeout": "timeout", "max_tokens_to_sample": "max_tokens",
}  # fmt: skip


def deployments_in(value: object) -> list[dict[str, Any]] | None:
    """LangChain's models by name as entries of a `model_list`; None if there are none."""
    found = mapping(value)
    single = _deployment("langchain", found)
    if single is not None:
        return [single]
    made = [_deployment(name, mapping(each)) for name, each in found.items()]
    return [each for each in made if each is not None] if made and all(made) else None


def _deployment(name: str, given: Mapping[str, Any]) -> dict[str, Any] | None:
    if given.get("lc") == 1 and isinstance(given.get("id"), list) and given["id"]:
        vendor, arguments = CLASSES.get(str(given["id"][-1]), ""), mapping(given.get("kwargs"))
    elif "_type" in given:
        vendor = TYPES.get(str(given["_type"]), "")
        arguments = {key: each for key, each in given.items() if key != "_type"}
    elif isinstance(given.get("model"), str) and "litellm_params" not in given:
        vendor, arguments = "", dict(given)
    else:
        return None
    params = {RENAMED.get(key, key): _secret(each) for key, each in arguments.items()}
    provider = str(params.pop("model_provider", "") or "")
    model = str(params.get("model", ""))
    head, colon, rest = model.partition(":")
    if colon and not provider and not vendor and "/" not in head:
        provider, model = head, rest
    vendor = vendor or PROVIDERS.get(provider, provider)
    if not vendor and ("default_model" in given or not model):
        return None
    params["model"] = f"{vendor}/{model}" if vendor else model
    return {"model_name": name, "litellm_params": params}


def _secret(value: Any) -> Any:
    """`{"lc": 1, "type": "secret", "id": ["OPENAI_API_KEY"]}` names a variable."""
    given = mapping(value)
    if given.get("type") == "secret" and isinstance(given.get("id"), list) and given["id"]:
        return f"{ENVIRONMENT}{given['id'][0]}"
    return value

"""The vendors that LiteLLM names before a model's slash, and how they are reached here.

Addresses and variables: https://docs.litellm.ai/docs/providers and the vendors' own pages on
their OpenAI-compatible endpoints, read in November 2026.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct


class LiteLLMVendor(Struct, frozen=True):
    """One vendor: our provider type, its address (blank: the type's own, or the file has to give
    it) and the variable that LiteLLM reads its key from where the file names none.
    """

    provider_type: str
    variable: str = ""
    address: str = ""


def _compatible(variable: str, address: str = "") -> LiteLLMVendor:
    """A server that speaks OpenAI's format."""
    return LiteLLMVendor("custom", variable, address)


VENDORS: Mapping[str, LiteLLMVendor] = MappingProxyType(
    {
        "openai": LiteLLMVendor("openai", "OPENAI_API_KEY"),
        "azure": LiteLLMVendor("azure_openai", "AZURE_API_KEY"),
        "anthropic": LiteLLMVendor("anthropic", "ANTHROPIC_API_KEY"),
        "openrouter": LiteLLMVendor("openrouter", "OPENROUTER_API_KEY"),
        "ollama": LiteLLMVendor("local", "", "http://localhost:11434/v1"),
        "ollama_chat": LiteLLMVendor("local", "", "http://localhost:11434/v1"),
        "lm_studio": LiteLLMVendor("local", "LM_STUDIO_API_KEY"),
        "llamafile": LiteLLMVendor("local", "", "http://127.0.0.1:8080/v1"),
        "docker_model_runner": LiteLLMVendor(
            "local", "", "http://localhost:22088/engines/llama.cpp/v1"
        ),
        "hosted_vllm": _compatible("HOSTED_VLLM_API_KEY"),
        "openai_like": _compatible("OPENAI_LIKE_API_KEY"),
        "custom_openai": _compatible(""),
        "litellm_proxy": _compatible("LITELLM_PROXY_API_KEY"),
        "xinference": _compatible("XINFERENCE_API_KEY"),
        "groq": _compatible("GROQ_API_KEY", "https://api.groq.com/openai/v1"),
        "mistral": _compatible("MISTRAL_API_KEY", "https://api.mistral.ai/v1"),
        "codestral": _compatible("CODESTRAL_API_KEY", "https://codestral.mistral.ai/v1"),
        "deepseek": _compatible("DEEPSEEK_API_KEY", "https://api.deepseek.com/v1"),
        "gemini": _compatible(
            "GEMINI_API_KEY", "https://generativelanguage.googleapis.com/v1beta/openai"
        ),
        "together_ai": _compatible("TOGETHERAI_API_KEY", "https://api.together.xyz/v1"),
        "xai": _compatible("XAI_API_KEY", "https://api.x.ai/v1"),
        "cerebras": _compatible("CEREBRAS_API_KEY", "https://api.cerebras.ai/v1"),
        "perplexity": _compatible("PERPLEXITYAI_API_KEY", "https://api.perplexity.ai"),
        "fireworks_ai": _compatible(
            "FIREWORKS_AI_API_KEY", "https://api.fireworks.ai/inference/v1"
        ),
        "nvidia_nim": _compatible("NVIDIA_NIM_API_KEY", "https://integrate.api.nvidia.com/v1"),
        "github": _compatible("GITHUB_API_KEY", "https://models.github.ai/inference"),
        "deepinfra": _compatible("DEEPINFRA_API_KEY", "https://api.deepinfra.com/v1/openai"),
        "dashscope": _compatible(
            "DASHSCOPE_API_KEY", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1"
        ),
        "moonshot": _compatible("MOONSHOT_API_KEY", "https://api.moonshot.ai/v1"),
        "zai": _compatible("ZAI_API_KEY", "https://api.z.ai/api/paas/v4"),
        "minimax": _compatible("MINIMAX_API_KEY", "https://api.minimax.io/v1"),
        "sambanova": _compatible("SAMBANOVA_API_KEY", "https://api.sambanova.ai/v1"),
        "nebius": _compatible("NEBIUS_API_KEY", "https://api.studio.nebius.ai/v1"),
        "novita": _compatible("NOVITA_API_KEY", "https://api.novita.ai/v3/openai"),
        "hyperbolic": _compatible("HYPERBOLIC_API_KEY", "https://api.hyperbolic.xyz/v1"),
        "cohere": _compatible("COHERE_API_KEY", "https://api.cohere.ai/compatibility/v1"),
        "cohere_chat": _compatible("COHERE_API_KEY", "https://api.cohere.ai/compatibility/v1"),
        "huggingface": _compatible("HF_TOKEN", "https://router.huggingface.co/v1"),
        "voyage": _compatible("VOYAGE_API_KEY", "https://api.voyageai.com/v1"),
        "jina_ai": _compatible("JINA_AI_API_KEY", "https://api.jina.ai/v1"),
        "volcengine": _compatible("VOLCENGINE_API_KEY", "https://ark.cn-beijing.volces.com/api/v3"),
        "baseten": _compatible("BASETEN_API_KEY", "https://inference.baseten.co/v1"),
        "ai21": _compatible("AI21_API_KEY", "https://api.ai21.com/studio/v1"),
        "featherless_ai": _compatible("FEATHERLESS_AI_API_KEY", "https://api.featherless.ai/v1"),
        "meta_llama": _compatible("LLAMA_API_KEY", "https://api.llama.com/compat/v1"),
        "nscale": _compatible("NSCALE_API_KEY", "https://inference.api.nscale.com/v1"),
        "vercel_ai_gateway": _compatible(
            "VERCEL_AI_GATEWAY_API_KEY", "https://ai-gateway.vercel.sh/v1"
        ),
        "inception": _compatible("INCEPTION_API_KEY", "https://api.inceptionlabs.ai/v1"),
        "morph": _compatible("MORPH_API_KEY", "https://api.morphllm.com/v1"),
        "lambda_ai": _compatible("LAMBDA_API_KEY", "https://api.lambda.ai/v1"),
        "cloudflare": _compatible("CLOUDFLARE_API_KEY"),
        "databricks": _compatible("DATABRICKS_API_KEY"),
        "azure_ai": _compatible("AZURE_AI_API_KEY"),
    }
)
# Vendors that are spoken to in a way of their own.
NO_WIRE = frozenset(
    {
        "bedrock", "bedrock_converse", "sagemaker", "sagemaker_chat", "vertex_ai", "vertex_ai_beta",
        "watsonx", "watsonx_text", "sap", "oci", "replicate", "petals", "predibase", "snowflake",
        "triton", "text-completion-openai", "text-completion-codestral", "azure_text",
        "aleph_alpha", "palm", "nlp_cloud", "clarifai", "github_copilot", "chatgpt", "gigachat",
        "elevenlabs", "deepgram", "assemblyai", "infinity", "recraft",
        "fal_ai", "stability", "bytez", "runwayml", "aiml", "custom", "auto_router", "dotprompt",
    }
)  # fmt: skip
# Names without a vendor, as LiteLLM reads them.
BARE = (
    (re.compile(r"gpt-|o[1-9](?:-|\Z)|chatgpt-|text-embedding-|ft:gpt"), "openai"),
    (re.compile(r"claude-"), "anthropic"),
    (re.compile(r"command|embed-(?:english|multilingual)"), "cohere"),
)


def vendor_named(model: str, given: str, *, has_address: bool) -> tuple[str, str]:
    """The vendor and the model's own id, from LiteLLM's `model` and `custom_llm_provider`.

    The vendor is blank where LiteLLM itself would have to look it up, or knows none.
    """
    prefix, slash, rest = model.partition("/")
    if given:
        return given, model.removeprefix(f"{given}/")
    if slash and (prefix in VENDORS or prefix in NO_WIRE):
        return prefix, rest
    for names, vendor in BARE:
        if names.match(model):
            return vendor, model
    return ("openai" if has_address else ""), model

"""The one way to providers: `generate`, `agenerate`, `astream`, `embed`, `aembed`, and objects.

They take a `types.Call` and return a `types.Generation`; docs/calls.md says what happens between.
"""

from llmconfig.client.api import acount_tokens, aembed, agenerate, astream, embed, generate
from llmconfig.client.http.transport import aclose
from llmconfig.client.pipeline.publishing import Collect
from llmconfig.client.sdk.bound_callers import (
    get_embeddings_model,
    get_llm,
    get_llm_for_interaction,
    preload,
)

__all__ = [
    "Collect",
    "aclose",
    "acount_tokens",
    "aembed",
    "agenerate",
    "astream",
    "embed",
    "generate",
    "get_embeddings_model",
    "get_llm",
    "get_llm_for_interaction",
    "preload",
]

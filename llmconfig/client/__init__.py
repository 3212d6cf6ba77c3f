"""The one way to providers: `generate`, `stream`, `embed`, the same with an `a`, and objects.

They take a `types.Call` and return a `types.Generation`; docs/calls.md says what happens between.
What is imported from here comes with its first use: pages and commands that call nobody don't wait
for it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llmconfig.client.api import (
        acount_tokens,
        aembed,
        agenerate,
        astream,
        astream_to,
        embed,
        generate,
        stream,
    )
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
    "astream_to",
    "embed",
    "generate",
    "get_embeddings_model",
    "get_llm",
    "get_llm_for_interaction",
    "preload",
    "stream",
]
_HOMES = {
    "Collect": "pipeline.publishing",
    "aclose": "http.transport",
    "get_embeddings_model": "sdk.bound_callers",
    "get_llm": "sdk.bound_callers",
    "get_llm_for_interaction": "sdk.bound_callers",
    "preload": "sdk.bound_callers",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for; the next time it is simply here."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{_HOMES.get(name, 'api')}")
    found = globals()[name] = getattr(module, name)
    return found

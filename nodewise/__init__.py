"""What a Django project imports: `.urls`, `.asgi`, `.schedule`, `.health` in one line each.

`.llm`, `.enrichment` and `.testing` are its Python API (docs/python-api.md).
"""

from importlib import import_module
from typing import Any

from llmconfig import __version__

__all__ = ["__version__", "enrichment", "llm", "testing"]


def __getattr__(name: str) -> Any:
    """`nodewise.llm` also where only `nodewise` was imported."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")

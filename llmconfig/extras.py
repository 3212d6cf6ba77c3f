"""Packages that only an extra brings, such as `nodewise[worker]`: imported when they are needed."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from llmconfig.errors import ExtraMissing


@contextmanager
def from_extra(extra: str) -> Iterator[None]:
    """Import inside this block; raises ExtraMissing, which says how to install what is missing."""
    try:
        yield
    except ModuleNotFoundError as missing:
        raise ExtraMissing(how_to_install(missing.name or extra, extra)) from missing


def installed(package: str) -> bool:
    """Whether a top-level package can be imported, without importing it."""
    return find_spec(package) is not None


def how_to_install(package: str, extra: str) -> str:
    """What to tell a person who lacks it."""
    return f"{package} is not installed; `pip install 'nodewise[{extra}]'` brings it."

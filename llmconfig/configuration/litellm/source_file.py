"""Reading a file to import: YAML as LiteLLM reads it, or JSON; what stands in it twice is told."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from llmconfig.errors import ChangeRefused

MAX_BYTES = 4_000_000


class _Loader(yaml.SafeLoader):
    """Plain values only; notes keys that are given twice, of which the last one counts."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.twice: list[str] = []

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """A mapping, with what was given twice noted."""
        seen = set()
        for key, _ in node.value:
            name = str(getattr(key, "value", ""))
            if name in seen and name != "<<":
                self.twice.append(name)
            seen.add(name)
        return super().construct_mapping(node, deep)


def read(path: Path) -> tuple[Any, list[str]]:
    """What a file holds, and the keys that stand in it twice.

    Raises FileNotFoundError, and ChangeRefused for what is no YAML or JSON, with its line.
    """
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ChangeRefused(f"{path.name} is larger than 4 MB.")
    try:
        loader = _Loader(content.decode("utf-8-sig"))
        return loader.get_single_data(), loader.twice
    except UnicodeDecodeError as error:
        raise ChangeRefused(f"{path.name} is not UTF-8.") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it can't be read"
        raise ChangeRefused(f"{path.name}{place}: no valid YAML ({problem}).") from error
    except (RecursionError, ValueError) as error:
        raise ChangeRefused(f"{path.name}: it can't be read as YAML.") from error

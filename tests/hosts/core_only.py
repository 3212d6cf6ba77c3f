"""As if nothing but `pip install nodewise` had been run: other packages here can't be imported."""

import sys
import tomllib
from importlib import metadata
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any, ClassVar

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]


def brought_along(asked: list[str]) -> set[str]:
    """Canonical names of the packages that these requirements install, with their own ones."""
    found: set[tuple[str, frozenset[str]]] = set()
    todo = [Requirement(text) for text in asked]
    while todo:
        wanted = todo.pop()
        key = (canonicalize_name(wanted.name), frozenset(wanted.extras))
        if key in found:
            continue
        found.add(key)
        extras = wanted.extras or {""}
        todo += [
            each
            for each in map(Requirement, metadata.distribution(wanted.name).requires or ())
            if each.marker is None
            or any(each.marker.evaluate({"extra": extra}) for extra in {*extras, ""})
        ]
    return {name for name, _ in found}


class CoreOnly(PathFinder):
    """Stands in the place of Python's own finder, and finds no package that the core lacks."""

    missing: ClassVar[set[str]] = set()

    @classmethod
    def find_spec(cls, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """As the own finder's, which finds everything."""
        if fullname.partition(".")[0] in cls.missing:
            return None
        return super().find_spec(fullname, path, target)


def install() -> None:
    """From now on, for what isn't imported yet."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    core = brought_along(project["dependencies"])
    CoreOnly.missing = {
        module
        for module, packages in metadata.packages_distributions().items()
        if not core & {canonicalize_name(each) for each in packages}
    }
    sys.meta_path[sys.meta_path.index(PathFinder)] = CoreOnly

"""How the code is kept: short files, a name for one class only, docstrings that say something."""

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest
from django.apps import apps

from llmconfig import roles

# The code is read once.
pytestmark = pytest.mark.xdist_group("test_house")

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("benchmarks", "enrichment", "llmconfig", "metrics", "project")
MAX_LINES = 400
MAX_SHORT_SHARE = 0.03
SHORT_WORDS = 5
DJANGO_NAMES = {"Command", "Media", "Meta", "Migration"}  # Django finds them by these names

# A name for two classes needs a reason: a reader who greps for it finds both.
SHARED_NAMES = {
    "Choice": "of the gates' public API; in resolution what a layer chooses",
    "ModelAdmin": "one name for the theme's class and for Django's, which takes its place",
    "TabularInline": "the same",
}


@cache
def _trees() -> dict[Path, ast.Module]:
    """The code that people read, without migrations."""
    return {
        path: ast.parse(path.read_text(encoding="utf-8"))
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "migrations" not in path.parts
    }


def _public(node: ast.AST, prefix: str = "") -> list[tuple[str, str]]:
    """The docstrings of public classes, functions and methods below a node, by their names."""
    found = []
    for each in ast.iter_child_nodes(node):
        if not isinstance(each, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if each.name.startswith("_"):
            continue
        text = ast.get_docstring(each)
        if text is not None:
            found.append((f"{prefix}{each.name}", text))
        if isinstance(each, ast.ClassDef):
            found += _public(each, f"{prefix}{each.name}.")
    return found


def test_no_file_is_too_long_to_read_at_once():
    long = {
        str(path.relative_to(ROOT)): lines
        for path in _trees()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MAX_LINES
    }
    assert long == {}


def test_a_class_name_stands_in_one_file_but_for_a_reason():
    files = defaultdict(set)
    for path, tree in _trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name not in DJANGO_NAMES:
                files[node.name].add(str(path.relative_to(ROOT)))
    shared = {name: sorted(paths) for name, paths in files.items() if len(paths) > 1}
    assert {name: paths for name, paths in shared.items() if name not in SHARED_NAMES} == {}
    assert set(SHARED_NAMES) <= set(shared)  # a reason goes with its second class
    assert len(SHARED_NAMES) < 10


def test_public_docstrings_say_more_than_a_few_words():
    texts = {
        f"{path.relative_to(ROOT)}: {name}": text
        for path, tree in _trees().items()
        for name, text in _public(tree)
    }
    short = {name: text for name, text in texts.items() if len(text.split()) <= SHORT_WORDS}
    assert len(texts) > 1000
    assert len(short) / len(texts) <= MAX_SHORT_SHARE, short


@pytest.mark.parametrize("prefix", ["MOST", "LONGEST", "FEWEST", "LARGEST", "LEAST", "SHORTEST"])
def test_bounds_are_called_max_and_min(prefix):
    pattern = re.compile(rf"^_?{prefix}_[A-Z0-9_]+$")
    named = {
        f"{path.relative_to(ROOT)}: {node.id}"
        for path, tree in _trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and pattern.match(node.id)
    }
    assert named == set()


def test_tables_have_an_english_plural_in_the_admin():
    """Django only puts an s behind a name."""
    names = {
        str(model._meta.verbose_name_plural)
        for model in apps.get_models()
        if model._meta.app_label in roles.APPS
    }
    assert len(names) > 30
    assert [each for each in names if re.search(r"ss$|[^aeiou]ys$", each)] == []

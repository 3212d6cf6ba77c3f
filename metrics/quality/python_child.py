"""Looks at Python code in a process of its own, started by path and without our packages.

A line of JSON in, `{"code": …, "scan": true}`, a line out. Nothing is ever executed: code is
parsed, compiled to find what the parser lets through, and read by bandit. What hurts the
interpreter (depth, size) hurts this process alone, which its parent ends.
"""

import ast
import json
import logging
import resource
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

MEMORY = 768 * 1024 * 1024
MAX_ISSUES = 50
WORDS = 300  # characters of an issue's text


def main() -> None:
    """Answer lines until there are none."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as directory:
        for line in sys.stdin:
            asked = json.loads(line)
            told = look(asked["code"], scan=asked["scan"], directory=Path(directory))
            print(json.dumps(told), flush=True)  # noqa: T201 - the parent reads it


def look(code: str, *, scan: bool, directory: Path) -> dict[str, Any]:
    """All that is wanted about some code."""
    try:
        tree = ast.parse(code)
        compile(code, "answer", "exec", dont_inherit=True)  # a `return` outside of any function
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        where = f"line {error.lineno}: " if isinstance(error, SyntaxError) and error.lineno else ""
        words = error.msg if isinstance(error, SyntaxError) else str(error)
        return {"syntax_error": f"{where}{words or type(error).__name__}"[:WORDS]}
    functions = [
        (node, parent)
        for parent in ast.walk(tree)
        for node in ast.iter_child_nodes(parent)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return {
        "syntax_error": "",
        "functions": len(functions),
        "untyped": [
            node.name
            for node, parent in functions
            if not is_typed(node, method=isinstance(parent, ast.ClassDef))
        ],
        "issues": issues(code, directory) if scan else [],
    }


def is_typed(function: ast.FunctionDef | ast.AsyncFunctionDef, *, method: bool) -> bool:
    """Whether all it takes and gives is annotated; `self` and `cls` needn't be."""
    given = function.args
    named = [*given.posonlyargs, *given.args]
    static = any(isinstance(each, ast.Name) and each.id == "staticmethod"
                 for each in function.decorator_list)  # fmt: skip
    if method and not static:
        named = named[1:]
    others = [each for each in (given.vararg, given.kwarg) if each is not None]
    annotated = all(each.annotation for each in [*named, *given.kwonlyargs, *others])
    return annotated and (function.returns is not None or function.name == "__init__")


def issues(code: str, directory: Path) -> list[dict[str, Any]]:
    """What bandit finds; comments can't silence it."""
    from bandit.core.config import BanditConfig  # noqa: PLC0415 - only where a rule asks for it
    from bandit.core.manager import BanditManager  # noqa: PLC0415

    logging.disable(logging.CRITICAL)
    path = directory / "answer.py"
    path.write_text(code, encoding="utf-8", errors="replace")
    manager = BanditManager(BanditConfig(), "file", ignore_nosec=True)
    manager.discover_files([str(path)])
    manager.run_tests()
    return [
        {
            "test": each.test_id,
            "severity": each.severity,
            "confidence": each.confidence,
            "line": each.lineno,
            "text": each.text[:WORDS],
        }
        for each in manager.get_issue_list()[:MAX_ISSUES]
    ]


if __name__ == "__main__":
    main()

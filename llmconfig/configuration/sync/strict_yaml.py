"""The part of YAML that a nodes file may use: mappings, lists and plain values, nothing clever.

Works on PyYAML's composer, before any object is made, so that every refusal knows its line.
"""

import yaml
from msgspec import Struct
from yaml.composer import Composer
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.resolver import Resolver
from yaml.scanner import Scanner, ScannerError

from llmconfig.errors import NodesFileInvalid

# The file, a section, a model, its list of prices, a price, one of its rates.
DEEPEST = 6


def invalid(problem: str, *, line: int = 0, field: str = "") -> NodesFileInvalid:
    """The error for a place in the file; its text starts with that place."""
    place = f"line {line}: " if line else ""
    return NodesFileInvalid(
        f"{place}{f'{field}: ' if field else ''}{problem}", line=line, field=field
    )


def line_of(node: yaml.Node) -> int:
    """The line, from 1, on which a node starts."""
    return int(node.start_mark.line) + 1


class _StrictComposer(Reader, Scanner, Parser, Composer, Resolver):
    """Composes nodes, and refuses tags, anchors, aliases and depth as it meets them."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        Resolver.__init__(self)
        self.depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """One node and what is in it."""
        event = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs lack it
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            raise invalid(f"*{event.anchor} is an alias; write the value out.", line=line)
        if event.anchor is not None:
            raise invalid(f"&{event.anchor} is an anchor; write the values out.", line=line)
        if event.tag is not None:
            raise invalid(f"{event.tag} is a tag; a nodes file has none. Remove it.", line=line)
        if self.depth == DEEPEST:
            raise invalid("too deep: a file holds nodes, and a node holds fields.", line=line)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def compose(text: str) -> yaml.Node | None:
    """The file's one document as a tree of nodes, None if it is empty.

    Raises NodesFileInvalid with the line of what is wrong.
    """
    try:
        composer = _StrictComposer(text)
        return composer.get_single_node()
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise invalid(
            f"the character U+{ord(text[error.position]):04X} may not stand here; remove it.",
            line=line,
        ) from error
    except yaml.MarkedYAMLError as error:
        raise _explained(error) from error


class MappingItem(Struct, frozen=True):
    """What stands under a key of a mapping, and the key's line."""

    line: int
    node: yaml.Node


def mapping_items(node: yaml.MappingNode, *, field: str = "") -> dict[str, MappingItem]:
    """A mapping by its keys; raises NodesFileInvalid for a key that is no word, or there twice."""
    found: dict[str, MappingItem] = {}
    for key, value in node.value:
        line = line_of(key)
        if not isinstance(key, yaml.ScalarNode):
            raise invalid("a key must be a plain word.", line=line, field=field)
        name = str(key.value)
        place = f"{field}.{name}" if field else name
        if name in found:
            raise invalid(
                f"given twice; it is already on line {found[name].line}. Keep one of them.",
                line=line,
                field=place,
            )
        found[name] = MappingItem(line, value)
    return found


def _explained(error: yaml.MarkedYAMLError) -> NodesFileInvalid:
    """PyYAML's complaint in one line, at the place that a person has to change."""
    # A scanner that ran on and on complains at the end of what it ate: its start is to blame.
    blamed = error.context_mark if isinstance(error, ScannerError) else None
    mark = blamed or error.problem_mark
    line = mark.line + 1 if mark else 0
    problem = error.problem or "it can't be read"
    if "'\\t'" in problem:
        problem = "there is a tab; use spaces, two for each level."
    elif isinstance(error, yaml.composer.ComposerError):
        problem = "a second document starts here; a nodes file has one."
    else:
        problem = f"not valid YAML: {problem}."
    return invalid(problem, line=line)

"""The part of YAML that a nodes file may use: mappings, lists and plain values, nothing clever.

Works on PyYAML's composer, before any object is made, so that every refusal knows its line.
"""

from collections.abc import Iterator
from contextlib import contextmanager

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
TAG = "tag:yaml.org,2002:"


class Problems:
    """Collects what is wrong with files, so that all of it is told at once."""

    def __init__(self) -> None:
        self.found: list[NodesFileInvalid] = []

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Go on behind the block that raises NodesFileInvalid, and keep what it said."""
        try:
            yield
        except NodesFileInvalid as error:
            self.found += error.problems

    def refuse(self) -> None:
        """Raise NodesFileInvalid with all that was found, if anything was."""
        if len(self.found) == 1:
            raise self.found[0]
        if self.found:
            first = self.found[0]
            raise NodesFileInvalid(
                "\n".join(map(str, self.found)),
                line=first.line,
                field=first.field,
                file=first.file,
                problems=self.found,
            )


def invalid(problem: str, *, line: int = 0, field: str = "", file: str = "") -> NodesFileInvalid:
    """The error for a place in the file; its text starts with line and field."""
    place = f"line {line}: " if line else ""
    return NodesFileInvalid(
        f"{place}{f'{field}: ' if field else ''}{problem}", line=line, field=field, file=file
    )


def line_of(node: yaml.Node) -> int:
    """The line, from 1, on which a node starts."""
    return int(node.start_mark.line) + 1


class _StrictComposer(Reader, Scanner, Parser, Composer, Resolver):
    """Composes nodes, collects tags, anchors and aliases as problems, and refuses depth."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        Resolver.__init__(self)
        self.depth = 0
        self.problems = Problems()

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """One node and what is in it."""
        event = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs lack it
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            self._refuse(f"*{event.anchor} is an alias; write the value out.", line)
            self.get_event()  # type: ignore[no-untyped-call]  # as above
            return yaml.ScalarNode(f"{TAG}null", "")
        if event.anchor is not None:
            self._refuse(f"&{event.anchor} is an anchor; write the values out.", line)
            event.anchor = None
        if event.tag is not None:
            self._refuse(f"{event.tag} is a tag; a nodes file has none. Remove it.", line)
        if self.depth == DEEPEST:
            raise invalid("too deep: a file holds nodes, and a node holds fields.", line=line)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def _refuse(self, problem: str, line: int) -> None:
        self.problems.found.append(invalid(problem, line=line))


def compose(text: str) -> yaml.Node | None:
    """The file's one document as a tree of nodes, None if it is empty.

    Raises NodesFileInvalid with the line of what is wrong.
    """
    try:
        composer = _StrictComposer(text)
        root = composer.get_single_node()
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise invalid(
            f"the character U+{ord(text[error.position]):04X} may not stand here; remove it.",
            line=line,
        ) from error
    except yaml.MarkedYAMLError as error:
        raise _explained(error) from error
    composer.problems.refuse()
    return root


class MappingItem(Struct, frozen=True):
    """What stands under a key of a mapping, and the key's line."""

    line: int
    node: yaml.Node


def mapping_items(
    node: yaml.MappingNode, problems: Problems, *, field: str = ""
) -> dict[str, MappingItem]:
    """A mapping by its keys; one that is no word, or there twice, becomes one of the problems."""
    found: dict[str, MappingItem] = {}
    for key, value in node.value:
        line = line_of(key)
        if not isinstance(key, yaml.ScalarNode):
            problems.found.append(invalid("a key must be a plain word.", line=line, field=field))
            continue
        name = str(key.value)
        if name in found:
            twice = f"given twice; it is already on line {found[name].line}. Keep one of them."
            place = f"{field}.{name}" if field else name
            problems.found.append(invalid(twice, line=line, field=place))
            continue
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
    elif problem.startswith("mapping values are not allowed"):
        problem = 'a second ": " on this line; put the text into quotation marks.'
    else:
        problem = f"not valid YAML: {problem}."
    return invalid(problem, line=line)

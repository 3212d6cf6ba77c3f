"""Reading a nodes file strictly: each wrong line and field is named, and a key in it refused.

Beside nodes it may hold the sections providers, models and budgets.
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeGuard

import yaml
from msgspec import Struct

from llmconfig.configuration.sync.fields import RULES, nearest, read_field
from llmconfig.configuration.sync.sections import SECTIONS, check_name
from llmconfig.configuration.sync.strict_yaml import (
    MappingItem,
    Problems,
    compose,
    invalid,
    line_of,
    mapping_items,
)
from llmconfig.errors import NodesFileInvalid
from llmconfig.models import InteractionType
from llmconfig.models.assignments import NODE_NAME_RULE
from llmconfig.runtime.records import replace

MAX_FILE_BYTES = 1_000_000  # bytes
# Keys under which people keep secrets; none is a field.
SECRET_NAMES = frozenset(
    {
        "access_key", "access_token", "api_key", "api_token", "apikey", "auth", "auth_token",
        "authorization", "azure_api_key", "bearer", "client_secret", "credential", "credentials",
        "key", "passphrase", "passwd", "password", "private_key", "secret", "secret_key", "token",
    }
)  # fmt: skip
# The shapes of keys that vendors hand out, comments included: a key in a repository is lost.
SECRET_SHAPES = re.compile(
    r"""(?<![A-Za-z0-9])(?:
        (?:sk|rk|pk)-[A-Za-z0-9_-]{16,}     # OpenAI, Anthropic, OpenRouter and their kin
        | (?:gsk|hf|ghp|gho|ghs|xai)_[A-Za-z0-9]{16,}
        | github_pat_[A-Za-z0-9_]{20,}
        | lsv2_[a-z]{2}_[A-Za-z0-9_]{16,}   # LangSmith
        | xox[abprs]-[A-Za-z0-9-]{10,}
        | AIza[A-Za-z0-9_-]{30,}
        | AKIA[A-Z0-9]{16}
        | eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}
        | Bearer\s+[A-Za-z0-9._~+/-]{20,}
    )
    | -----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY-----""",
    re.VERBOSE,
)
ADVICE_ON_KEYS = (
    "Secrets don't belong in this file: give the key to its provider, in the admin or as a"
    " secret reference, and take it out of the repository's history."
)
A_LITELLM_FILE = (
    "this is a file of LiteLLM's: `manage.py import_litellm FILE` brings it in;"
    " docs/from-litellm.md explains."
)


NODES_STAND_AT_THE_TOP = (
    "nodes have no section of their own: take this line out and move what is below it to the left,"
    " so that each node's name begins its line."
)


class NodeEntry(Struct, frozen=True):
    """One node as the file gives it: only the fields that are there, `null` read as blank.

    `section` is blank for a node, else a name of SECTIONS: then it is a row of that one's. `lines`
    are those of its fields, and `file` is the path. One with a mistake is not `complete`: it has
    the fields that are right.
    """

    name: str
    line: int
    values: Mapping[str, Any]
    section: str = ""
    lines: Mapping[str, int] = {}
    complete: bool = True
    file: str = ""

    @property
    def path(self) -> str:
        """The name with its section."""
        return f"{self.section}.{self.name}" if self.section else self.name

    def wrong(self, problem: str, field: str = "") -> NodesFileInvalid:
        """The error for the entry, or for one of its fields."""
        return invalid(
            problem,
            line=self.lines.get(field, self.line),
            field=f"{self.path}.{field}" if field else self.path,
            file=self.file,
        )


def read(path: Path, problems: Problems | None = None) -> tuple[NodeEntry, ...]:
    """The nodes of a file and the rows of its sections, in its order.

    Raises FileNotFoundError if there is none, NodesFileInvalid if it can't be read or is wrong.
    With `problems` it adds to them what is wrong, and returns what is right.
    """
    own = Problems()
    entries: tuple[NodeEntry, ...] = ()
    with own.collected():
        entries = _parsed(_text_of(path), own)
    own.found.sort(key=lambda each: each.line)
    for each in own.found:
        each.file = str(path)
    if problems is None:
        own.refuse()
    else:
        problems.found += own.found
    return tuple(replace(each, file=str(path)) for each in entries)


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise NodesFileInvalid(f"it can't be read: {error.strerror}.") from error
    if len(content) > MAX_FILE_BYTES:
        raise NodesFileInvalid("it is larger than 1 MB; a nodes file has a few kB.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise invalid("not UTF-8; save the file in that encoding.", line=line) from error


def parse(text: str) -> tuple[NodeEntry, ...]:
    """The same of a file's text; raises NodesFileInvalid with line and field of each mistake."""
    problems = Problems()
    entries = _parsed(text, problems)
    problems.refuse()
    return entries


def _parsed(text: str, problems: Problems) -> tuple[NodeEntry, ...]:
    """What is right in a text; raises NodesFileInvalid where nothing of it can be read."""
    _refuse_secrets(text)
    root = compose(text)
    if root is None:
        raise NodesFileInvalid("it holds no nodes; write {} if that is meant.")
    if not isinstance(root, yaml.MappingNode):
        raise invalid("the file must be a mapping from node names to fields.", line=line_of(root))
    entries: list[NodeEntry] = []
    for name, item in mapping_items(root, problems).items():
        with problems.collected():
            if name in SECTIONS:
                entries += _rows(name, item, problems)
            elif name == "model_list":
                raise invalid(A_LITELLM_FILE, line=item.line)
            elif name == "nodes" and _holds_nodes(item.node):
                problems.found.append(invalid(NODES_STAND_AT_THE_TOP, line=item.line, field=name))
                for inner, each in mapping_items(item.node, problems, field=name).items():
                    with problems.collected():
                        _node(inner, each, problems)  # to tell what is wrong below it
            else:
                entries += _node(name, item, problems)
    return tuple(entries)


def _rows(section: str, item: MappingItem, problems: Problems) -> list[NodeEntry]:
    if not isinstance(item.node, yaml.MappingNode):
        raise invalid("a section is a mapping from names to fields.", line=item.line, field=section)
    found = []
    for name, each in mapping_items(item.node, problems, field=section).items():
        with problems.collected():
            found += _row(section, name, each, problems)
    return found


def _row(section: str, name: str, item: MappingItem, problems: Problems) -> list[NodeEntry]:
    own = Problems()
    with own.collected():
        check_name(section, name, item.line)
    if not isinstance(item.node, yaml.MappingNode):
        own.refuse()
        place = f"{section}.{name}"
        raise invalid("this must be a mapping of fields.", line=item.line, field=place)
    return _well_named(NodeEntry(name, item.line, {}, section), item.node, own, problems)


def _well_named(
    named: NodeEntry, node: yaml.MappingNode, of_name: Problems, problems: Problems
) -> list[NodeEntry]:
    """The entry, or none where its name is wrong; what is wrong below it is told either way."""
    problems.found += of_name.found
    entry = _entry(named, node, problems)
    return [] if of_name.found else [entry]


def _entry(named: NodeEntry, node: yaml.MappingNode, problems: Problems) -> NodeEntry:
    """The entry of this name and place with its fields."""
    rules = SECTIONS[named.section].rules if named.section else RULES
    values: dict[str, Any] = {}
    own = Problems()
    items = mapping_items(node, own, field=named.path)
    for field, item in items.items():
        place = f"{named.path}.{field}"
        with own.collected():
            if field not in rules:
                raise invalid(_unknown_field(field, named.section), line=item.line, field=place)
            values[field] = read_field(item.node, rule=rules[field], field=place)
    problems.found += own.found
    lines = {field: item.line for field, item in items.items()}
    return replace(named, values=values, lines=lines, complete=not own.found)


def _unknown_field(field: str, section: str) -> str:
    if _names_a_secret(field):
        return ADVICE_ON_KEYS
    if section:
        rules = SECTIONS[section].rules
        near = next(iter(get_close_matches(field, rules, n=1)), "")
        others = f"There are {', '.join(rules)}."
    else:
        near, others = nearest(field), f"A node has {', '.join(RULES)}."
    return f"unknown field. {f'Did you mean {near}?' if near else others}"


def _refuse_secrets(text: str) -> None:
    # Before anything else, so that no other message quotes the key.
    problems = Problems()
    for found in SECRET_SHAPES.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        problems.found.append(invalid(f"this looks like a secret. {ADVICE_ON_KEYS}", line=line))
    problems.refuse()


def _node(name: str, item: MappingItem, problems: Problems) -> list[NodeEntry]:
    if not isinstance(item.node, yaml.MappingNode):
        if _names_a_secret(name):
            raise invalid(ADVICE_ON_KEYS, line=item.line, field=name)
        raise invalid(
            "a node must be a mapping of fields, such as `default_model: gpt-4o` on the lines"
            " below it; {} gives none.",
            line=item.line,
            field=name,
        )
    own = Problems()
    with own.collected():
        _check_name(name, item.line)
    return _well_named(NodeEntry(name, item.line, {}), item.node, own, problems)


def _holds_nodes(node: yaml.Node) -> TypeGuard[yaml.MappingNode]:
    """Whether it is a section of nodes, as other tools have one, and no node of that name."""
    return (
        isinstance(node, yaml.MappingNode)
        and bool(node.value)
        and all(
            isinstance(value, yaml.MappingNode) and key.value not in RULES
            for key, value in node.value
        )
    )


def _check_name(name: str, line: int) -> None:
    if not re.match(NODE_NAME_RULE.regex, name) or name.endswith("\n"):
        raise invalid(f"not a node's name. {NODE_NAME_RULE.message}", line=line, field=name[:100])
    if name in InteractionType.values:
        raise invalid(
            "this is the name of an interaction type, and calls by name would be ambiguous;"
            " choose another.",
            line=line,
            field=name,
        )


def _names_a_secret(name: str) -> bool:
    return name.strip().lower().replace("-", "_") in SECRET_NAMES

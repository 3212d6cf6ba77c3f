"""Reading a nodes file strictly: each wrong line and field is named, and a key in it refused.

Beside nodes it may hold the sections providers, models and budgets.
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from llmconfig.configuration.sync.fields import RULES, nearest, read_field
from llmconfig.configuration.sync.sections import SECTIONS, check_name
from llmconfig.configuration.sync.strict_yaml import (
    MappingItem,
    compose,
    invalid,
    line_of,
    mapping_items,
)
from llmconfig.errors import NodesFileInvalid
from llmconfig.models import InteractionType
from llmconfig.models.assignments import NODE_NAME_RULE

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


class NodeEntry(Struct, frozen=True):
    """One node as the file gives it: only the fields that are there, `null` read as blank.

    `section` is blank for a node, else a name of SECTIONS: then it is a row of that one's.
    """

    name: str
    line: int
    values: Mapping[str, Any]
    section: str = ""

    @property
    def path(self) -> str:
        """The name with its section."""
        return f"{self.section}.{self.name}" if self.section else self.name


def read(path: Path) -> tuple[NodeEntry, ...]:
    """The nodes of a file and the rows of its sections, in its order.

    Raises FileNotFoundError if there is none, NodesFileInvalid if it can't be read or is wrong.
    """
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
        return parse(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise invalid("not UTF-8; save the file in that encoding.", line=line) from error


def parse(text: str) -> tuple[NodeEntry, ...]:
    """The same of a file's text; raises NodesFileInvalid with line and field."""
    _refuse_secrets(text)
    root = compose(text)
    if root is None:
        raise NodesFileInvalid("it holds no nodes; write {} if that is meant.")
    if not isinstance(root, yaml.MappingNode):
        raise invalid("the file must be a mapping from node names to fields.", line=line_of(root))
    entries: list[NodeEntry] = []
    for name, item in mapping_items(root).items():
        if name in SECTIONS:
            entries += _rows(name, item)
        elif name == "model_list":
            raise invalid(A_LITELLM_FILE, line=item.line)
        else:
            entries.append(_entry(name, item.node, item.line))
    return tuple(entries)


def _rows(section: str, item: MappingItem) -> list[NodeEntry]:
    if not isinstance(item.node, yaml.MappingNode):
        raise invalid("a section is a mapping from names to fields.", line=item.line, field=section)
    return [
        _row(section, name, each) for name, each in mapping_items(item.node, field=section).items()
    ]


def _row(section: str, name: str, item: MappingItem) -> NodeEntry:
    check_name(section, name, item.line)
    place, rules = f"{section}.{name}", SECTIONS[section].rules
    if not isinstance(item.node, yaml.MappingNode):
        raise invalid("this must be a mapping of fields.", line=item.line, field=place)
    values = {}
    for field, each in mapping_items(item.node, field=place).items():
        where = f"{place}.{field}"
        if field not in rules:
            if _names_a_secret(field):
                raise invalid(ADVICE_ON_KEYS, line=each.line, field=where)
            near = next(iter(get_close_matches(field, rules, n=1)), "")
            hint = f"Did you mean {near}?" if near else f"There are {', '.join(rules)}."
            raise invalid(f"unknown field. {hint}", line=each.line, field=where)
        values[field] = read_field(each.node, rule=rules[field], field=where)
    return NodeEntry(name, item.line, values, section)


def _refuse_secrets(text: str) -> None:
    # Before anything else, so that no other message quotes the key.
    found = SECRET_SHAPES.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        raise invalid(f"this looks like a secret. {ADVICE_ON_KEYS}", line=line)


def _entry(name: str, node: yaml.Node, line: int) -> NodeEntry:
    if not isinstance(node, yaml.MappingNode):
        if _names_a_secret(name):
            raise invalid(ADVICE_ON_KEYS, line=line, field=name)
        raise invalid(
            "a node must be a mapping of fields, such as `default_model: gpt-4o` on the lines"
            " below it; {} gives none.",
            line=line,
            field=name,
        )
    _check_name(name, line)
    values = {}
    for field, item in mapping_items(node, field=name).items():
        _check_field(field, line=item.line, node=name)
        values[field] = read_field(item.node, rule=RULES[field], field=f"{name}.{field}")
    return NodeEntry(name=name, line=line, values=values)


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


def _check_field(field: str, *, line: int, node: str) -> None:
    if field in RULES:
        return
    place = f"{node}.{field}"
    if _names_a_secret(field):
        raise invalid(ADVICE_ON_KEYS, line=line, field=place)
    near = nearest(field)
    hint = f"Did you mean {near}?" if near else f"A node has {', '.join(RULES)}."
    raise invalid(f"unknown field. {hint}", line=line, field=place)


def _names_a_secret(name: str) -> bool:
    return name.strip().lower().replace("-", "_") in SECRET_NAMES

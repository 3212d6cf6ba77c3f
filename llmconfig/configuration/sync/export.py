"""The table of nodes as a nodes file that syncs to no change."""

import re
from typing import Any

import yaml

from llmconfig.configuration.sync import nodes_file
from llmconfig.configuration.sync.comparison import StoredNode
from llmconfig.configuration.sync.fields import blank
from llmconfig.configuration.sync.writing import stored
from llmconfig.models import NodeConfiguration

# What a reader asks of every node.
ALWAYS = frozenset({"interaction_type", "langsmith_tracing"})
HEADER = "# Exported nodes. The format is explained in docs/nodes.md.\n"

# Line breaks to YAML but not to people; PyYAML escapes them between double quotes only.
RARE_BREAKS = re.compile("[\x85\u2028\u2029]")


class _Dumper(yaml.SafeDumper):
    """Writes plain values, each so that it reads back as it was."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = '"' if RARE_BREAKS.search(value) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def export() -> str:
    """All nodes as YAML: every field that is set, or that the file owned at the last sync.

    Raises NodesFileInvalid when the table holds what a nodes file may not, such as a secret in a
    description.
    """
    nodes = {row.node_name: _given(stored(row)) for row in NodeConfiguration.objects.all()}
    text = HEADER + yaml.dump(nodes, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    nodes_file.parse(text)
    return text


def _given(node: StoredNode) -> dict[str, Any]:
    return {
        name: value
        for name, value in node.values.items()
        if value != blank(name) or name in node.synced or name in ALWAYS
    }

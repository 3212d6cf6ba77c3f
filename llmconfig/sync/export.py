"""The table of nodes as a nodes file that syncs to no change."""

from typing import Any

import yaml

from llmconfig.models import NodeConfiguration
from llmconfig.sync import nodes_file
from llmconfig.sync.comparison import StoredNode
from llmconfig.sync.fields import blank
from llmconfig.sync.writing import stored

# What a reader asks of every node.
ALWAYS = frozenset({"interaction_type", "langsmith_tracing"})
HEADER = "# Exported nodes. The format is explained in docs/nodes.md.\n"


def export() -> str:
    """All nodes as YAML: every field that is set, or that the file owned at the last sync.

    Raises NodesFileInvalid when the table holds what a nodes file may not, such as a secret in a
    description.
    """
    nodes = {row.node_name: _given(stored(row)) for row in NodeConfiguration.objects.all()}
    text = HEADER + yaml.safe_dump(nodes, sort_keys=False, allow_unicode=True, width=100)
    nodes_file.parse(text)
    return text


def _given(node: StoredNode) -> dict[str, Any]:
    return {
        name: value
        for name, value in node.values.items()
        if value != blank(name) or name in node.synced or name in ALWAYS
    }

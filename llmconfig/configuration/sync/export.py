"""The configuration as a nodes file that syncs to no change."""

import re
from collections.abc import Collection, Mapping
from typing import Any

import yaml

from llmconfig.configuration.sync import nodes_file, rows
from llmconfig.configuration.sync.comparison import StoredNode
from llmconfig.configuration.sync.fields import RULES
from llmconfig.configuration.sync.sections import PRICES, SECTIONS, FileSection
from llmconfig.configuration.sync.values import FieldRule
from llmconfig.configuration.sync.writing import stored
from llmconfig.models import NodeConfiguration, Provider
from llmconfig.models.catalogue import RATE_FIELDS

MONEY_FIELDS = frozenset({*RATE_FIELDS, "soft_limit_usd", "hard_limit_usd"})
# What a reader asks of every node.
ALWAYS = frozenset({"interaction_type", "langsmith_tracing"})
HEADER = "# Exported configuration. The format is explained in docs/nodes.md.\n"

# Line breaks to YAML but not to people; PyYAML escapes them between double quotes only.
RARE_BREAKS = re.compile("[\x85\u2028\u2029]")


class _Dumper(yaml.SafeDumper):
    """Writes plain values, each so that it reads back as it was."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = '"' if RARE_BREAKS.search(value) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


class _Money(str):
    """An amount that is written without quotes."""

    __slots__ = ()


def _money(dumper: yaml.SafeDumper, value: _Money) -> yaml.ScalarNode:
    kind = "float" if "." in value else "int"
    return dumper.represent_scalar(f"tag:yaml.org,2002:{kind}", str(value))


_Dumper.add_representer(str, _text)
_Dumper.add_representer(_Money, _money)


def export() -> str:
    """Providers, models, prices, budgets and nodes as YAML: every field that is set, or that the
    file owned at the last sync. Stored keys stay in the database.

    Raises NodesFileInvalid when a table holds what a nodes file may not, such as a secret in a
    description.
    """
    file: dict[str, Any] = {
        name: found for name, section in SECTIONS.items() if (found := _section(name, section))
    }
    for row in NodeConfiguration.objects.all():
        file[row.node_name] = _given(stored(row), RULES, ALWAYS)
    text = HEADER + yaml.dump(file, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    nodes_file.parse(text)
    return text


def providers_with_keys() -> list[str]:
    """The providers whose keys no file can hold."""
    stored_keys = Provider.objects.exclude(api_key="").order_by("name")
    return list(stored_keys.values_list("name", flat=True))


def _section(name: str, section: FileSection) -> dict[str, Any]:
    found = rows.all_rows(name)
    return {
        each: _given(rows.stored(name, found[each]), section.rules, section.always)
        for each in sorted(found)
    }


def _given(
    node: StoredNode, rules: Mapping[str, FieldRule], always: Collection[str]
) -> dict[str, Any]:
    return {
        name: _as_numbers(name, value)
        for name, value in node.values.items()
        if value != rules[name].blank or name in node.synced or name in always
    }


def _as_numbers(name: str, value: Any) -> Any:
    """Money as YAML's numbers."""
    if name == PRICES:
        return [{each: _as_numbers(each, one) for each, one in price.items()} for price in value]
    return _Money(value) if value is not None and name in MONEY_FIELDS else value

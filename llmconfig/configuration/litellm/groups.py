"""LiteLLM's model groups as nodes: a group is the deployments of one `model_name`."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from llmconfig.configuration.litellm.deployments import Deployment, ImportedCatalogue
from llmconfig.configuration.litellm.report import MigrationReport
from llmconfig.configuration.sync.fields import MAX_FALLBACKS
from llmconfig.models import InteractionType
from llmconfig.models.assignments import NODE_NAME_RULE

EVERYTHING = "*"


class ImportedNodes(Struct):
    """The nodes of a file in our own fields, and what each group is called by here."""

    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)
    references: dict[str, list[str]] = field(default_factory=dict)  # a group's, in its order


def nodes_of(
    groups: Mapping[str, Sequence[tuple[str, Deployment]]],
    catalogue: ImportedCatalogue,
    report: MigrationReport,
    *,
    taken: Iterable[str],
) -> ImportedNodes:
    """A node for each group; its deployments come with their places in the file.

    `taken` are names that no node may have. A name that our rules refuse is changed, and said so.
    """
    found = ImportedNodes()
    used = {*taken, *catalogue.providers, *InteractionType.values}
    for group, entries in groups.items():
        deployments = [each for _, each in entries]
        if "*" in group:
            _wildcard(group, entries, report)
            continue
        first, fallbacks = _targets(deployments, catalogue)
        name, why = _node_name(group, used, first)
        used.add(name)
        found.named[group] = name
        found.references[group] = [first, *fallbacks]
        found.nodes[name] = _fields(deployments, first, fallbacks)
        _note(group, name, why, entries, report, spread="/" not in first)
    return found


def add_fallbacks(
    given: object, place: str, nodes: ImportedNodes, report: MigrationReport, *, reason: str
) -> None:
    """LiteLLM's `fallbacks`: a list of mappings from a group to groups; also `default_fallbacks`.

    `reason` says how they are meant here; blank where as there.
    """
    for index, each in enumerate(given if isinstance(given, list) else []):
        where = f"{place}[{index}]"
        pairs = each if isinstance(each, dict) else {EVERYTHING: [each]}
        for group, targets in pairs.items():
            wanted = targets if isinstance(targets, list) else [targets]
            _add(str(group), [str(name) for name in wanted], where, nodes, report, reason)


def _add(
    group: str,
    wanted: Sequence[str],
    where: str,
    nodes: ImportedNodes,
    report: MigrationReport,
    reason: str,
) -> None:
    unknown = [name for name in wanted if name not in nodes.references]
    chosen = [ref for name in wanted for ref in nodes.references.get(name, [])]
    groups = list(nodes.named) if group == EVERYTHING else [group] * (group in nodes.named)
    if not groups or not chosen:
        report.left_out(where, f"no group of the file came in as {', '.join([group, *unknown])}")
        return
    cut = False
    for each in groups:
        node = nodes.nodes[nodes.named[each]]
        own = {node["default_model"], *node.get("fallbacks", [])}
        further = [ref for ref in dict.fromkeys(chosen) if ref not in own]
        together = [*node.get("fallbacks", []), *further]
        cut = cut or len(together) > MAX_FALLBACKS
        if together:
            node["fallbacks"] = together[:MAX_FALLBACKS]
    if cut:
        report.changed(where, f"the node's fallbacks; a node has at most {MAX_FALLBACKS}")
    elif unknown:
        report.changed(where, f"the node's fallbacks without {', '.join(unknown)}: didn't come in")
    elif reason:
        report.changed(where, reason)
    else:
        report.taken(where, "the node's fallbacks")


def add_alias(
    alias: str, group: str, place: str, nodes: ImportedNodes, report: MigrationReport
) -> None:
    """A `model_group_alias`: another node with the same models."""
    if group not in nodes.named:
        report.left_out(place, f"no group of the file came in as {group}")
        return
    used = {*nodes.nodes, *InteractionType.values}
    name, why = _node_name(alias, used, "")
    nodes.nodes[name] = dict(nodes.nodes[nodes.named[group]])
    nodes.named[alias], nodes.references[alias] = name, nodes.references[group]
    if why:
        report.changed(place, why)
    else:
        report.taken(place, "a node with the same model and fallbacks")


def _targets(
    deployments: Sequence[Deployment], catalogue: ImportedCatalogue
) -> tuple[str, list[str]]:
    """The node's model and its fallbacks.

    Providers that serve one id, and are all that list it, share the calls by its bare id; else the
    first deployment comes first, the lowest `order` before all.
    """
    ordered = sorted(deployments, key=lambda each: each.order)
    references = list(dict.fromkeys(each.reference for each in ordered))
    model_id = ordered[0].model_id
    listed = {name for name in catalogue.models if name.partition("/")[2] == model_id}
    orders = {each.order for each in ordered}
    if (
        len(references) > 1
        and len(orders) == 1
        and set(references) == listed
        and model_id not in catalogue.elsewhere
    ):
        return model_id, []
    return references[0], references[1 : MAX_FALLBACKS + 1]


def _fields(deployments: Sequence[Deployment], first: str, fallbacks: list[str]) -> dict[str, Any]:
    lead = next((each for each in deployments if each.reference == first), deployments[0])
    node: dict[str, Any] = {"default_model": first}
    if fallbacks:
        node["fallbacks"] = fallbacks
    if lead.temperature is not None:
        node["default_temperature"] = lead.temperature
    if lead.max_tokens is not None:
        node["default_max_tokens"] = lead.max_tokens
    if lead.description:
        node["description"] = lead.description
    return node


def _node_name(group: str, used: set[str], first: str) -> tuple[str, str]:
    """The node's name, and why it is another one than the group's, blank if it isn't."""
    name = re.sub(r"[^a-zA-Z0-9_.-]+", "-", group).strip("-.")[:90]
    if not re.match(NODE_NAME_RULE.regex, name):
        name = f"m-{name}".rstrip("-")
    own = first.partition("/")[2] or first
    number, found = 2, name
    while found in used and found != own:
        found, number = f"{name}-{'model' if number == 2 else number}", number + 1
    if found == group:
        return found, ""
    return found, f"the node {found}: its name has letters, digits, _, . and -, and is no other's"


def _wildcard(
    group: str, entries: Sequence[tuple[str, Deployment]], report: MigrationReport
) -> None:
    for place, each in entries:
        report.changed(
            f"{place}.model_name",
            f"no node: keys that may call everything ask for {each.provider}/MODEL",
        )


def _note(
    group: str,
    name: str,
    why: str,
    entries: Sequence[tuple[str, Deployment]],
    report: MigrationReport,
    *,
    spread: bool,
) -> None:
    several = len({each.reference for _, each in entries}) > 1
    ordered = len({each.order for _, each in entries}) > 1
    for number, (place, _) in enumerate(entries):
        where = f"{place}.model_name"
        if number and several and not (spread or ordered):
            report.changed(
                where, f"a fallback of the node {name}: calls are shared only by models of one id"
            )
        elif why:
            report.changed(where, why)
        else:
            report.taken(where, "a deployment of the node of that name")

"""Bringing a file in: LiteLLM's, LangChain's or our own, and an export of virtual keys."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.db import transaction
from msgspec import Struct

from llmconfig import project_settings
from llmconfig.configuration import revisions, snapshot
from llmconfig.configuration.litellm import langchain, source_file, virtual_keys
from llmconfig.configuration.litellm.deployments import Deployment, DeploymentReader
from llmconfig.configuration.litellm.figures import mapping, seconds
from llmconfig.configuration.litellm.groups import ImportedNodes, nodes_of
from llmconfig.configuration.litellm.includes import INCLUDE, with_included
from llmconfig.configuration.litellm.report import MigrationReport
from llmconfig.configuration.litellm.top_level import (
    SECTIONS_LEFT,
    SETTINGS,
    TopLevelReader,
    budget_fields,
)
from llmconfig.configuration.litellm.virtual_keys import ImportedKey
from llmconfig.configuration.sync import nodes_file
from llmconfig.configuration.sync.nodes_file import NodeEntry
from llmconfig.configuration.sync.writing import SyncPlan, preview_entries, sync_entries
from llmconfig.errors import ChangeRefused
from llmconfig.models import GatewayKey, Provider, ProviderModel
from llmconfig.secrets import Secret

TIMEOUTS = (("router_settings", "timeout"), ("litellm_settings", "request_timeout"))
SEVERAL = "several files of one kind: import them one after the other"


class ImportOutcome(Struct, frozen=True):
    """What an import does, or has done."""

    plan: SyncPlan
    report: MigrationReport
    new_keys: int  # virtual keys that weren't there
    stored_keys: tuple[str, ...]  # providers whose keys are written in clear in the file


class _Files(Struct):
    """What the files hold, by kind."""

    litellm: Mapping[str, Any] | None = None
    own: tuple[NodeEntry, ...] = ()
    keys: Sequence[Mapping[str, Any]] = ()


def bring_in(paths: Sequence[Path], *, write: bool) -> ImportOutcome:
    """Import the files together, in one transaction and revision; without `write`, only tell.

    Raises FileNotFoundError, ChangeRefused for a file that is of no known kind, NodesFileInvalid
    for what our own rules refuse.
    """
    report = MigrationReport()
    files = _read(paths, report)
    entries = list(files.own)
    literal: dict[str, Secret] = {}
    named = {each.name: each.name for each in files.own}
    if files.litellm is not None:
        made, literal, nodes = _translated(files.litellm, report)
        entries += made
        named |= nodes.named
    keys = virtual_keys.read_keys(files.keys, named, report)
    entries += [
        NodeEntry(f"key {key.name}"[:100], 0, key.budget, "budgets") for key in keys if key.budget
    ]
    title = ", ".join(path.name for path in paths)
    with transaction.atomic():
        if write:
            with revisions.change(source="yaml", message=f"import of {title}"):
                plan = sync_entries(entries, named=title, owned=False)
                stored = _store_keys(literal)
                new_keys = virtual_keys.write_keys(keys, report)
        else:
            plan = preview_entries(entries, owned=False)
            stored, new_keys = tuple(literal), _missing(keys)
    snapshot.expire()
    _tell_references(report)
    return ImportOutcome(plan, report, new_keys, stored)


def _read(paths: Sequence[Path], report: MigrationReport) -> _Files:
    found = _Files()
    for path in paths:
        value, twice = source_file.read(path)
        for name in twice:
            report.changed(name, "given twice: the last one counts, as LiteLLM reads it")
        whole = mapping(value)
        keys = virtual_keys.keys_in(value)
        models = langchain.deployments_in(value) if keys is None else None
        if _is_litellms(whole):
            _once(found.litellm is None, path)
            found.litellm = with_included(whole, path, report)
        elif keys is not None:
            found.keys = [*found.keys, *keys]
        elif models is not None:
            _once(found.litellm is None, path)
            found.litellm = {"model_list": models}
        elif whole:
            _once(not found.own, path)
            found.own = nodes_file.read(path)
        else:
            raise ChangeRefused(
                f"{path.name} has no model_list, no models of LangChain's, no nodes and no keys."
            )
    return found


def _is_litellms(whole: Mapping[str, Any]) -> bool:
    """Whether it has a section of LiteLLM's, or nothing but lists under names of others."""
    if not whole.keys().isdisjoint({"model_list", *SETTINGS}) or isinstance(
        whole.get(INCLUDE), list
    ):
        return True
    named = {*SECTIONS_LEFT, "credential_list"}
    return bool(whole) and all(
        name in named and isinstance(value, list) for name, value in whole.items()
    )


def _once(free: bool, path: Path) -> None:
    if not free:
        raise ChangeRefused(f"{path.name}: {SEVERAL}.")


def _translated(
    given: Mapping[str, Any], report: MigrationReport
) -> tuple[list[NodeEntry], dict[str, Secret], ImportedNodes]:
    """The file as entries of our own, its keys in clear by provider, and what groups are called."""
    listed = given.get("model_list")
    items = listed if isinstance(listed, list) else []
    reader = DeploymentReader(
        report,
        groups=[str(mapping(item).get("model_name")) for item in items],
        credentials=_credentials(given.get("credential_list"), report),
        timeout_s=_timeout(given),
        stored={row.name: row for row in Provider.objects.all()},
    )
    groups: dict[str, list[tuple[str, Deployment]]] = {}
    budgets: dict[str, tuple[object, object]] = {}
    for index, item in enumerate(items):
        place = f"model_list[{index}]"
        made = reader.read(item, place)
        if made is not None:
            groups.setdefault(made.group, []).append((place, made))
            params = mapping(mapping(item).get("litellm_params"))
            if params.get("max_budget") is not None:
                budgets[made.group] = (params["max_budget"], params.get("budget_duration"))
    catalogue = reader.catalogue
    others = ProviderModel.objects.exclude(provider__name__in=catalogue.providers)
    catalogue.elsewhere = set(others.values_list("model_id", flat=True))
    nodes = nodes_of(groups, catalogue, report, taken=_taken(catalogue.models))
    top = TopLevelReader(report, nodes)
    for name, value in given.items():
        top.read(str(name), value)
    for group, (limit, duration) in budgets.items():
        node = nodes.named.get(group, "")
        fields, _ = budget_fields(limit, duration, "node", node)
        if node and fields:
            top.budgets[f"litellm, node {node}"[:100]] = fields
    entries = [
        *(NodeEntry(name, 0, each, "providers") for name, each in catalogue.providers.items()),
        *(NodeEntry(name, 0, each, "models") for name, each in catalogue.models.items()),
        *(NodeEntry(name, 0, each, "budgets") for name, each in top.budgets.items()),
        *(NodeEntry(name, 0, each) for name, each in nodes.nodes.items()),
    ]
    return entries, catalogue.keys, nodes


def _taken(models: Mapping[str, Any]) -> set[str]:
    """Names that calls reach models and providers by, here and in the file."""
    listed = {name.partition("/")[2] for name in models}
    stored = set(ProviderModel.objects.values_list("model_id", flat=True))
    return listed | stored | set(Provider.objects.values_list("name", flat=True))


def _credentials(given: object, report: MigrationReport) -> dict[str, Mapping[str, Any]]:
    found = {}
    for index, each in enumerate(given if isinstance(given, list) else []):
        entry = mapping(each)
        found[str(entry.get("credential_name"))] = mapping(entry.get("credential_values"))
        report.taken(f"credential_list[{index}]", "the values of providers that use it")
    return found


def _timeout(given: Mapping[str, Any]) -> float | None:
    for section, key in TIMEOUTS:
        value = mapping(given.get(section)).get(key)
        if (found := seconds(value)) is not None:
            return found
    return None


def _store_keys(literal: Mapping[str, Secret]) -> tuple[str, ...]:
    """Encrypt the keys of providers that have none; gives which."""
    done = []
    for row in Provider.objects.filter(name__in=literal, api_key="", secret_ref=""):
        row.set_key(literal[row.name])
        row.save()
        done.append(row.name)
    return tuple(done)


def _missing(keys: Sequence[ImportedKey]) -> int:
    hashes = [key.key_hash for key in keys]
    known = GatewayKey.objects.filter(key_hash__in=hashes).count()
    return len(keys) - known


def _tell_references(report: MigrationReport) -> None:
    """What LLM_SECRET_REFERENCES has to allow, as one line for the environment."""
    if not report.references:
        return
    allowed = [*project_settings.secret_references(), *report.references]
    report.environment["LLM_SECRET_REFERENCES"] = ",".join(dict.fromkeys(allowed))
    report.steps["Set LLM_SECRET_REFERENCES as above, for web and workers, and import again."] = (
        None
    )

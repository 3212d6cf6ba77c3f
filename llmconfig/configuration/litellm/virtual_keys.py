"""LiteLLM's virtual keys, as its `/key/list` and `/key/info` export them: hashes, never keys.

LiteLLM keeps the SHA-256 of a key in hex, as we do, so clients keep the keys that they have.
"""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from llmconfig.configuration.litellm.figures import mapping
from llmconfig.configuration.litellm.report import MigrationReport
from llmconfig.configuration.litellm.top_level import budget_fields
from llmconfig.models.gateway import GatewayKey

HASH = re.compile(r"[0-9a-f]{64}")
EVERYTHING = frozenset({"all-proxy-models", "all-models", "*"})
MAX_NAME = 100
LEFT = {
    "spend": "a budget counts from its import on",
    "user_id": "a key's owner is an account of this project: set it on the key's page",
    "team_id": "there are no teams here; give the key a budget",
    "team_alias": "there are no teams here; give the key a budget",
    "organization_id": "an organization is the calls' own label here",
    "tpm_limit": "limits are a provider's",
    "rpm_limit": "limits are a provider's",
    "max_parallel_requests": "limits are a provider's",
    "model_max_budget": "a budget counts a key or a node",
    "model_rpm_limit": "limits are a provider's",
    "model_tpm_limit": "limits are a provider's",
    "soft_budget": "the key's budget has a soft limit on its page",
    "aliases": "a node is the alias",
    "config": "a node has the parameters",
    "permissions": "a key calls /v1 only",
    "metadata": "calls carry metadata, not keys",
    "tags": "calls carry tags, not keys",
    "guardrails": "there are none here",
    "allowed_cache_controls": "x-nodewise-cache is open to all",
    "allowed_routes": "a key names the nodes that it may call",
    "object_permission": "a key names the nodes that it may call",
    "router_settings": "there is one strategy here",
}
UNREAD = {
    "key_name", "created_at", "updated_at", "created_by", "updated_by", "budget_reset_at",
    "last_active", "rotation_count", "auto_rotate", "rotation_interval", "last_rotation_at",
    "key_rotation_at", "litellm_budget_table", "object_permission_id", "budget_id", "team_spend",
    "soft_budget_cooldown", "model_spend", "budget_limits",
}  # fmt: skip


class ImportedKey(Struct, frozen=True):
    """A key as its row will hold it; `budget` is blank or the fields of its budget."""

    name: str
    key_hash: str
    shown: str
    names: tuple[str, ...]  # none: everything
    expires_at: dt.datetime | None
    is_enabled: bool
    budget: Mapping[str, Any]


def keys_in(value: object) -> list[Mapping[str, Any]] | None:
    """The keys of an export; None for what is none."""
    found = mapping(value)
    if HASH.fullmatch(str(found.get("key", ""))) and isinstance(found.get("info"), dict):
        return [{"token": found["key"], **mapping(found["info"])}]
    listed = found.get("keys") or found.get("data") if found else value
    if isinstance(listed, list) and listed and all(isinstance(each, dict) for each in listed):
        keys = [mapping(each) for each in listed]
        return keys if all("token" in each or "key_alias" in each for each in keys) else None
    return None


def read_keys(
    keys: Sequence[Mapping[str, Any]], named: Mapping[str, str], report: MigrationReport
) -> list[ImportedKey]:
    """The keys that can come in; `named` tells what the file's groups are called here."""
    found = []
    for index, each in enumerate(keys):
        key = _read(each, f"keys[{index}]", named, report)
        if key is not None:
            found.append(key)
    return found


def _read(
    key: Mapping[str, Any], place: str, named: Mapping[str, str], report: MigrationReport
) -> ImportedKey | None:
    token = str(key.get("token") or "")
    if not HASH.fullmatch(token):
        report.left_out(f"{place}.token", "it is no hash of a key: make a new one")
        return None
    models = [str(each) for each in key.get("models") or []]
    names = tuple(dict.fromkeys(named[each] for each in models if each in named))
    everything = not models or bool(EVERYTHING & set(models))
    if not everything and not names:
        report.left_out(f"{place}.models", "none of its models came in: the key would open nothing")
        return None
    shown = str(key.get("key_name") or "sk-…")[:12]
    name = str(key.get("key_alias") or f"litellm {shown} {token[:8]}")[:MAX_NAME]
    fields: dict[str, Any] = {}
    why = ""
    if key.get("max_budget") is not None:
        fields, why = budget_fields(key["max_budget"], key.get("budget_duration"), "account", name)
    _note(key, place, report, lost=[each for each in models if each not in named], budget_why=why,
          everything=everything)  # fmt: skip
    return ImportedKey(
        name=name,
        key_hash=token,
        shown=shown,
        names=() if everything else names,
        expires_at=_moment(key.get("expires")),
        is_enabled=not key.get("blocked"),
        budget=fields,
    )


def _note(
    key: Mapping[str, Any],
    place: str,
    report: MigrationReport,
    *,
    lost: Sequence[str],
    budget_why: str,
    everything: bool,
) -> None:
    report.taken(f"{place}.token", "the same hash: clients keep the key")
    for name, value in key.items():
        where = f"{place}.{name}"
        if name == "token" or value in (None, [], {}, ""):
            continue
        if name in LEFT:
            report.left_out(where, LEFT[name])
        elif name == "models":
            if lost and not everything:
                report.changed(where, f"without {len(lost)} that didn't come in")
            else:
                report.taken(where, "the nodes that it may call")
        elif name in {"max_budget", "budget_duration"}:
            (report.changed if budget_why else report.taken)(
                where, budget_why or "the key's budget"
            )
        elif name in {"key_alias", "expires", "blocked"}:
            report.taken(where, "the key's name, end or switch")
        elif name in UNREAD:
            report.left_out(where, "LiteLLM's own bookkeeping")
        else:
            report.left_out(where, "unknown to this import", known=False)


def _moment(value: object) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(str(value)) if value else None
    except ValueError:
        return None
    return moment.replace(tzinfo=dt.UTC) if moment and moment.tzinfo is None else moment


def write_keys(keys: Sequence[ImportedKey], report: MigrationReport) -> int:
    """Store the keys that aren't there, inside `revisions.change`; gives how many."""
    hashes = set(GatewayKey.objects.values_list("key_hash", flat=True))
    taken = set(GatewayKey.objects.values_list("name", flat=True))
    written = 0
    for key in keys:
        if key.key_hash in hashes:
            continue
        if key.name in taken:
            report.step(f"There is another key named {key.name!r} already; this one stays out.")
            continue
        taken.add(key.name)
        GatewayKey.objects.create(
            name=key.name,
            prefix=key.shown,
            key_hash=key.key_hash,
            allows_everything=not key.names,
            names=list(key.names),
            expires_at=key.expires_at,
            is_enabled=key.is_enabled,
        )
        written += 1
    return written

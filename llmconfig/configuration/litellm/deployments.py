"""LiteLLM's `model_list`: each deployment as a provider and a model with its price."""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct, field

from llmconfig import provider_types
from llmconfig.configuration import provider_rules, secret_references
from llmconfig.configuration.litellm.deployment_keys import PLACEHOLDERS, note_info, note_params
from llmconfig.configuration.litellm.figures import (
    ENVIRONMENT,
    Unusable,
    mapping,
    prices,
    resolved,
    seconds,
    slug,
    temperature,
    whole,
)
from llmconfig.configuration.litellm.report import MigrationReport
from llmconfig.configuration.litellm.vendors import NO_WIRE, VENDORS, LiteLLMVendor, vendor_named
from llmconfig.errors import ChangeRefused
from llmconfig.models import ModelKind, Provider
from llmconfig.secrets import Secret

MAX_WEIGHT = 32_767  # PostgreSQL's smallint
CREDENTIAL = "litellm_credential_name"
# Beside `litellm_params`, where LiteLLM reads nothing of these.
MISPLACED = {
    "rpm": "`litellm_params.rpm` is meant",
    "tpm": "`litellm_params.tpm` is meant",
    "weight": "`litellm_params.weight` is meant",
    "order": "`litellm_params.order` is meant",
    "tags": "`litellm_params.tags` is meant",
    "litellm_settings": "it is a section beside model_list",
    "router_settings": "it is a section beside model_list",
    "general_settings": "it is a section beside model_list",
}
KINDS = {
    "chat": ModelKind.CHAT.value,
    "completion": ModelKind.CHAT.value,
    "responses": ModelKind.CHAT.value,
    "embedding": ModelKind.EMBEDDING.value,
}


class Deployment(Struct, frozen=True):
    """One entry of `model_list` that came in; `order` is LiteLLM's, lower ones come first."""

    group: str
    provider: str
    model_id: str
    order: int
    temperature: float | None
    max_tokens: int | None
    description: str

    @property
    def reference(self) -> str:
        """How it is named here."""
        return f"{self.provider}/{self.model_id}"


class ImportedCatalogue(Struct):
    """Providers and models of a file in our own fields; `keys` are written in clear there.

    `elsewhere` are the models that other providers than the file's list already.
    """

    providers: dict[str, dict[str, Any]] = field(default_factory=dict)
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: dict[str, Secret] = field(default_factory=dict)
    identities: dict[tuple[Any, ...], str] = field(default_factory=dict)
    taken_names: set[str] = field(default_factory=set)
    elsewhere: set[str] = field(default_factory=set)


class DeploymentReader:
    """Reads the deployments of one file into a catalogue, and notes each of their keys."""

    def __init__(
        self,
        report: MigrationReport,
        *,
        groups: Iterable[str],
        credentials: Mapping[str, Mapping[str, Any]],
        timeout_s: float | None,
        stored: Mapping[str, Provider],
    ) -> None:
        self.report = report
        self.stored = stored
        self.catalogue = ImportedCatalogue(taken_names=set(groups))
        self.credentials = credentials
        self.timeout_s = timeout_s

    def read(self, item: object, place: str) -> Deployment | None:
        """One entry; None, with a note for each of its keys, if it can't come in."""
        entry = mapping(item)
        params, info = mapping(entry.get("litellm_params")), mapping(entry.get("model_info"))
        group = str(entry.get("model_name") or "")
        try:
            found = self._deployment(group, params, info, place)
        except Unusable as problem:
            self._leave_out(entry, place, str(problem))
            return None
        credential = params.get(CREDENTIAL)
        if credential is not None and str(credential) not in self.credentials:
            why = "credential_list has none of that name"
            self.report.left_out(f"{place}.litellm_params.{CREDENTIAL}", why)
            params = {name: each for name, each in params.items() if name != CREDENTIAL}
        note_params(self.report, params, f"{place}.litellm_params")
        note_info(self.report, info, f"{place}.model_info")
        for name in entry.keys() - {"model_name", "litellm_params", "model_info"}:
            why = MISPLACED.get(name, "")
            self.report.left_out(
                f"{place}.{name}", why or "unknown to this import", known=bool(why)
            )
        return found

    def _leave_out(self, entry: Mapping[str, Any], place: str, why: str) -> None:
        for name, value in entry.items() or {"": None}.items():
            inner = mapping(value)
            for each in inner or ("",):
                path = ".".join(filter(None, (place, name, str(each))))
                self.report.left_out(path, why)

    def _deployment(
        self, group: str, params: Mapping[str, Any], info: Mapping[str, Any], place: str
    ) -> Deployment:
        credential = params.get(CREDENTIAL)
        if credential is not None:
            params = {**self.credentials.get(str(credential), {}), **params}
        if not group or not params.get("model"):
            raise Unusable("it has no model_name, or no litellm_params.model")
        model = resolved(params["model"])
        address = params.get("api_base") or params.get("base_url")
        prefix, model_id = vendor_named(
            model, str(params.get("custom_llm_provider") or ""), has_address=bool(address)
        )
        vendor = VENDORS.get(prefix)
        if prefix == "*" or model_id == model == "*":
            raise Unusable(
                "it is every vendor's; name one (openai/*), whose models keys that may call"
                " everything ask for as openai/MODEL"
            )
        if vendor is None:
            spoken = f"{prefix} is spoken to in a way of its own" if prefix in NO_WIRE else ""
            raise Unusable(
                f"{spoken or 'its vendor is unknown here'}; an OpenAI-compatible address of it can"
                " be used as openai/… with api_base"
            )
        mode = str(info.get("mode") or "")
        if mode and mode not in KINDS:
            raise Unusable(f"only chat and embeddings are offered, not {mode}")
        if not model_id or any(each.isspace() for each in model_id) or len(model_id) > 200:
            raise Unusable("its model's id is blank, too long or has spaces")
        provider = self._provider(prefix, vendor, params, model_id)
        self._model(provider, model_id, mode, vendor, {**params, **info})
        return Deployment(
            group=group,
            provider=provider,
            model_id=model_id,
            order=whole(params.get("order"), least=0) or 0,
            temperature=temperature(params.get("temperature")),
            max_tokens=whole(params.get("max_tokens") or params.get("max_completion_tokens")),
            description=str(info.get("description") or ""),
        )

    def _provider(
        self, prefix: str, vendor: LiteLLMVendor, params: Mapping[str, Any], model_id: str
    ) -> str:
        """The name of the provider that serves it, made if there is none of its kind yet."""
        kind, address = _reached(prefix, vendor, params)
        variable, literal = _key(vendor, params)
        limits = {
            "requests_per_minute": whole(params.get("rpm")),
            "tokens_per_minute": whole(params.get("tpm")),
            "max_concurrency": whole(params.get("max_parallel_requests")),
        }
        weight = _weight(params)
        # Limits and weights are a deployment's there: it gets a provider of its own.
        own = model_id if any(limits.values()) or weight > 1 else ""
        version = resolved(params["api_version"]) if params.get("api_version") else ""
        secret = literal.reveal() if literal else ""
        identity = (prefix, kind, address, variable, secret, version, own, weight, *limits.values())
        timeout = seconds(params.get("timeout")) or self.timeout_s
        name = self.catalogue.identities.get(identity)
        if name is None:
            name = self._name(prefix, kind, address, vendor, variable, own)
            self.catalogue.identities[identity] = name
            fields: dict[str, Any] = {
                "provider_type": kind,
                "api_base_url": address,
                "is_enabled": True,
            }
            fields |= {each: value for each, value in limits.items() if value is not None}
            if weight > 1:
                fields["weight"] = weight
            if version:
                fields["api_version"] = version[:40]
            if name in self.stored and self.stored[name].api_key:
                self.report.step(f"{name} has a stored key, which stays; the file's isn't taken.")
            elif variable and self._may_read(variable):
                fields["secret_ref"] = f"env:{variable}"
            elif literal:
                self.catalogue.keys[name] = literal
            self.catalogue.providers[name] = fields
        if timeout is not None:
            known = self.catalogue.providers[name].get("timeout_seconds", 0.0)
            self.catalogue.providers[name]["timeout_seconds"] = max(known, timeout)
        return name

    def _may_read(self, variable: str) -> bool:
        if not secret_references.objection(f"env:{variable}"):
            return True
        self.report.references[f"env:{variable}"] = None
        return False

    def _name(
        self, prefix: str, kind: str, address: str, vendor: LiteLLMVendor, variable: str, own: str
    ) -> str:
        """By the vendor, or the host of an address of its own; then by key and by model."""
        parts = [slug(prefix)]
        if address and address != vendor.address:
            parts = [slug(urlsplit(address).netloc) or parts[0]]
        if variable and variable != vendor.variable:
            parts.append(slug(re.sub(r"_?(API|KEY|TOKEN)(?=_|\Z)", "", variable)))
        if own:
            parts.append(slug(own))
        name = "-".join(dict.fromkeys(filter(None, parts)))[:44].strip("-") or "provider"
        taken = self.catalogue.providers.keys() | self.catalogue.taken_names
        number, found = 2, name
        while found in taken or self._is_another(found, kind, address):
            found, number = f"{name}-{number}", number + 1
        return found

    def _is_another(self, name: str, kind: str, address: str) -> bool:
        """Whether a provider of this name is there that goes elsewhere."""
        row = self.stored.get(name)
        return row is not None and provider_rules.goes_elsewhere(
            (row.provider_type, row.api_base_url), (kind, address)
        )

    def _model(
        self,
        provider: str,
        model_id: str,
        mode: str,
        vendor: LiteLLMVendor,
        facts: Mapping[str, Any],
    ) -> None:
        looks_embedding = re.search(r"embed|\bbge-|\be5-", model_id, re.IGNORECASE)
        kind = KINDS.get(mode) or ("embedding" if looks_embedding else "chat")
        capable = provider_types.get(vendor.provider_type).lists_capable_models and kind == "chat"
        values: dict[str, Any] = {"kind": kind}
        for name, key in (
            ("context_window", "max_input_tokens"),
            ("max_output_tokens", "max_output_tokens"),
        ):
            number = whole(facts.get(key))
            if number is not None:
                values[name] = number
        for name, key in (
            ("supports_tools", "supports_function_calling"),
            ("supports_json_schema", "supports_response_schema"),
        ):
            told = facts.get(key)
            values[name] = told if isinstance(told, bool) else capable
        costs = prices(facts)
        if costs:
            values["prices"] = costs
        known = self.catalogue.models.setdefault(f"{provider}/{model_id}", {})
        known.update(values)


def _weight(params: Mapping[str, Any]) -> int:
    """Its part of the calls among the deployments of its name.

    LiteLLM's shuffle draws by the first of `weight`, `rpm` and `tpm` that is there; without another
    option the latter two are nothing else (findings/litellm_router_takes_rpm_for_a_weight.sh).
    """
    tokens = whole(params.get("tpm"))
    thousands = None if tokens is None else max(1, round(tokens / 1000))
    weight = whole(params.get("weight")) or whole(params.get("rpm")) or thousands or 1
    return min(weight, MAX_WEIGHT)


def _key(vendor: LiteLLMVendor, params: Mapping[str, Any]) -> tuple[str, Secret | None]:
    """The variable that holds the key, or the key itself; neither for a placeholder."""
    given = str(params.get("api_key") or "").strip()
    if given.startswith(ENVIRONMENT):
        return given.removeprefix(ENVIRONMENT), None
    if not given:
        return ("" if params.get("api_base") else vendor.variable), None
    if PLACEHOLDERS.fullmatch(given):
        return "", None
    return "", Secret(given)


def _reached(prefix: str, vendor: LiteLLMVendor, params: Mapping[str, Any]) -> tuple[str, str]:
    """The provider's type and address; raises Unusable."""
    given = params.get("api_base") or params.get("base_url")
    kind = vendor.provider_type
    address = resolved(given).rstrip("/") if given else vendor.address
    if not address and provider_types.get(kind).needs_address:
        address = _usual_address(prefix)
    if prefix.startswith("ollama") and address and not address.endswith("/v1"):
        address = f"{address}/v1"
    elif prefix == "anthropic":
        address = re.sub(r"/v1(/messages)?\Z", "", address)
    elif prefix == "azure":
        address = re.sub(r"/openai(/.*)?\Z", "", address)
    elif prefix == "cloudflare":
        address = re.sub(r"/ai/run\Z", "/ai/v1", address)
    elif prefix == "openai" and address:
        address = re.sub(r"/chat/completions\Z", "", address)
        if urlsplit(address).hostname != "api.openai.com":
            kind = "custom"
    if prefix == "azure_ai" and not address.endswith("/openai/v1"):
        raise Unusable("give the api_base that ends in /openai/v1")
    try:
        provider_rules.check_base_url(kind, address)
    except ChangeRefused as refusal:
        raise Unusable(f"api_base: {refusal}") from refusal
    own = provider_types.get(kind).base_url
    return kind, "" if address == own else address


def _usual_address(prefix: str) -> str:
    """Where LiteLLM looks for an address that the file doesn't give; raises Unusable."""
    if prefix == "cloudflare":
        account = resolved(f"{ENVIRONMENT}CLOUDFLARE_ACCOUNT_ID")
        return f"https://api.cloudflare.com/client/v4/accounts/{account}/ai/v1"
    return resolved(f"{ENVIRONMENT}{prefix.upper()}_API_BASE").rstrip("/")

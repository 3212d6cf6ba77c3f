"""The rows of `seed_llm_config`: providers, models, prices, interaction types, settings.

Only rows that are missing are made; what a person changed stays. What a flag names is updated.
docs/configuration.md lists what it writes.
"""

import datetime as dt
import os
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from django.db import connection, models, transaction
from msgspec import Struct, field

from llmconfig import project_settings, provider_types
from llmconfig.configuration import process_settings, revisions
from llmconfig.configuration.prices import suggested_prices, suggested_rows
from llmconfig.configuration.provider_rules import check_base_url, origin
from llmconfig.errors import ChangeRefused
from llmconfig.models import (
    GlobalConfig,
    InteractionType,
    LLMConfig,
    ModelKind,
    ModelPrice,
    PriceSource,
    Provider,
    ProviderModel,
)
from llmconfig.runtime import advisory_locks

LOCAL = "local"
LOCAL_KEY_VARIABLE = "LLM_LOCAL_API_KEY"
# Hosted providers and the variable that holds their key; of types that share one, the first.
_HOSTED = {kind.key_variable: kind.name for kind in reversed([*provider_types.known()])}
HOSTED: Mapping[str, str] = {name: variable for variable, name in _HOSTED.items() if variable}
# The default of LLM_DEFAULT_MODEL: whatever names no model goes there.
DEFAULT_MODEL = str(process_settings.default_of("LLM_DEFAULT_MODEL"))
BATCH_SIZE = "LLM_BATCH_DEFAULT_SIZE"
# Prices of unknown age count from before any call of ours.
ALWAYS = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
ZERO = Decimal(0)
TASK_COLUMNS = ("model_tagger", "model_enricher", "model_analytics")
MAX_LOCAL_MODEL_LENGTH = 100  # of llm_config's model columns

Row = TypeVar("Row", bound=models.Model)


class Listed(Struct, frozen=True):
    """A model of the catalogue as it is seeded; `price` is (input, output) entered by hand."""

    provider: str
    model_id: str
    kind: ModelKind = ModelKind.CHAT
    tier: str | None = None
    context_window: int | None = None
    max_output_tokens: int | None = None
    price: tuple[Decimal, Decimal] | None = None
    supports_streaming: bool = True
    supports_temperature: bool = True
    supports_json_schema: bool = False
    supports_tools: bool = False
    supports_logprobs: bool = False


def _hosted_chat(provider: str, model_id: str, **facts: Any) -> Listed:
    return Listed(provider, model_id, supports_json_schema=True, supports_tools=True, **facts)


CATALOGUE = (
    _hosted_chat("openai", "gpt-4o", max_output_tokens=16_384, supports_logprobs=True),
    _hosted_chat("openai", "gpt-4o-mini", max_output_tokens=16_384, supports_logprobs=True),
    Listed(
        "openai",
        "text-embedding-3-small",
        kind=ModelKind.EMBEDDING,
        supports_streaming=False,
        supports_temperature=False,
    ),
    # The default model: it chooses one for each call, and tells what that cost.
    Listed("openrouter", DEFAULT_MODEL),
    # Claude models from 5 on answer 400 to a temperature.
    _hosted_chat("anthropic", "claude-opus-5-5", supports_temperature=False),
    _hosted_chat("anthropic", "claude-sonnet-5-5", supports_temperature=False),
    _hosted_chat("anthropic", "claude-haiku-5-5", supports_temperature=False),
    # The three shipped tiers.
    Listed(
        "zai", "glm-4.5", tier="cloud_fast", context_window=128_000,
        price=(Decimal("0.20"), Decimal("0.20")),
    ),
    Listed(
        LOCAL, "ollama/codellama:7b", tier="local", context_window=16_000, price=(ZERO, ZERO)
    ),
    Listed(
        "zai", "glm-4.6", tier="cloud_premium", context_window=128_000,
        price=(Decimal("0.30"), Decimal("0.30")),
    ),
)  # fmt: skip

# The general kinds of use; the four tasks of enrichment inherit from llm_config.
INTERACTION_DEFAULTS: Mapping[InteractionType, tuple[str, float | None]] = {
    InteractionType.REASONING: ("gpt-4o", 0.7),
    InteractionType.TOOLS: ("gpt-4o-mini", 0.1),
    InteractionType.SUBAGENTS: ("gpt-4o-mini", 0.5),
    InteractionType.PLANNING: ("gpt-4o", 0.2),
    InteractionType.EMBEDDINGS: ("text-embedding-3-small", 0.0),
    InteractionType.TAGGER: ("", None),
    InteractionType.ENRICHER: ("", None),
    InteractionType.ANALYTICS: ("", None),
    InteractionType.RESPONDER: ("", None),
    InteractionType.JUDGE: ("gpt-4o", 0.0),
}


class Wishes(Struct, frozen=True, kw_only=True):
    """What the flags name; blank is not asked for."""

    enable: bool = False
    disable: bool = False
    local_model: str = ""
    local_url: str = ""
    providers: Sequence[str] = ()


class Seeded(Struct):
    """What a seed did, in plain words: `created` and `updated` rows, and what to do next."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: int = 0
    hints: list[str] = field(default_factory=list)
    revision: int | None = None


def seed(wishes: Wishes) -> Seeded:
    """Make the rows that are missing and update those that `wishes` names, in one revision.

    Raises ChangeRefused, naming the flag, when a wish can't be met; nothing is written then.
    """
    _check(wishes)
    done = Seeded()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [advisory_locks.SEEDING])
        with revisions.change(source="seed", message="seed_llm_config") as change:
            providers = _providers(done)
            for listed in CATALOGUE:
                _model(listed, providers[listed.provider], done)
            for interaction_type, (model, temperature) in INTERACTION_DEFAULTS.items():
                _missing(
                    done,
                    f"interaction type {interaction_type.value}",
                    GlobalConfig.objects.filter(interaction_type=interaction_type),
                    interaction_type=interaction_type,
                    model=model,
                    temperature=temperature,
                )
            row = _settings_row(done)
            for name in wishes.providers:
                _use_provider(providers[name], done)
            if wishes.local_url:
                _move_local(providers[LOCAL], wishes.local_url, done)
            if wishes.local_model:
                _use_local_model(wishes.local_model, providers[LOCAL], row, done)
            if wishes.enable or wishes.disable:
                _update(row, done, "processing settings", enabled=wishes.enable)
    done.revision = change.number
    done.hints = _hints(providers, row)
    return done


def _check(wishes: Wishes) -> None:
    for name in wishes.providers:
        if name not in HOSTED:
            raise ChangeRefused(
                f"--provider {name}: use one of {', '.join(HOSTED)}.", field="--provider"
            )
    model = wishes.local_model
    if len(model) > MAX_LOCAL_MODEL_LENGTH or any(each.isspace() for each in model):
        raise ChangeRefused(
            f"--local-model: a model's id has no spaces and at most {MAX_LOCAL_MODEL_LENGTH}"
            " characters.",
            field="--local-model",
        )
    if wishes.local_url:
        try:
            check_base_url(LOCAL, wishes.local_url)
        except ChangeRefused as error:
            raise ChangeRefused(
                f"--local-url: {error} For example: http://localhost:11434/v1.", field="--local-url"
            ) from error


def _providers(done: Seeded) -> dict[str, Provider]:
    """Every seeded provider by name; the keys themselves stay where they are."""
    rows: dict[str, dict[str, Any]] = {
        name: {
            "provider_type": name,
            "is_enabled": bool(os.environ.get(variable)),
            "secret_ref": _reference(variable),
        }
        for name, variable in HOSTED.items()
    }
    rows[LOCAL] = {
        "provider_type": LOCAL,
        "api_base_url": project_settings.local_url(),
        "secret_ref": _reference(LOCAL_KEY_VARIABLE),
    }
    rows["zai"] = {
        "provider_type": "custom",
        "api_base_url": "https://api.z.ai/api/paas/v4",
        "is_enabled": False,
    }
    return {
        name: _missing(
            done, f"provider {name}", Provider.objects.filter(name=name), name=name, **columns
        )
        for name, columns in rows.items()
    }


def _reference(variable: str) -> str:
    return f"env:{variable}" if os.environ.get(variable) else ""


def _model(listed: Listed, provider: Provider, done: Seeded) -> None:
    """A model with its price; an existing model is left as it is, prices included."""
    found = ProviderModel.objects.filter(provider=provider, model_id=listed.model_id)
    if found.exists():
        done.unchanged += 1
        return
    suggested = suggested_prices(provider.provider_type, listed.model_id)
    free = not ProviderModel.objects.filter(tier=listed.tier, is_active=True).exists()
    model = _missing(
        done,
        f"model {provider.name}/{listed.model_id}",
        found,
        provider=provider,
        model_id=listed.model_id,
        kind=listed.kind,
        # A tier that a person has given to another model stays there.
        tier=listed.tier if free else None,
        context_window=listed.context_window or (suggested and suggested.context_window),
        max_output_tokens=listed.max_output_tokens,
        supports_streaming=listed.supports_streaming,
        supports_temperature=listed.supports_temperature,
        supports_json_schema=listed.supports_json_schema,
        supports_tools=listed.supports_tools,
        supports_logprobs=listed.supports_logprobs,
    )
    if listed.price is not None:
        _manual_price(model, *listed.price)
    else:
        ModelPrice.objects.bulk_create(suggested_rows(model))


def _manual_price(model: ProviderModel, per_input: Decimal, per_output: Decimal) -> None:
    ModelPrice.objects.create(
        model=model,
        valid_from=ALWAYS,
        source=PriceSource.MANUAL,
        input_per_1m=per_input,
        output_per_1m=per_output,
    )


def _settings_row(done: Seeded) -> LLMConfig:
    """The processing settings; a default model in use takes the place of a local server's."""
    chosen = project_settings.process_values().get("LLM_DEFAULT_MODEL") or os.environ.get(
        HOSTED["openrouter"]
    )
    blank = dict.fromkeys(TASK_COLUMNS, "") if chosen else {}
    here: dict[str, Any] = {}
    if project_settings.defaults_for() and process_settings.is_known(BATCH_SIZE):
        here["batch_size"] = process_settings.default_of(BATCH_SIZE)
    return _missing(done, "processing settings", LLMConfig.objects.all(), **blank, **here)


def _use_provider(provider: Provider, done: Seeded) -> None:
    """Enable a hosted provider with the key that is stored, referenced or in the environment."""
    variable = HOSTED[provider.name]
    columns: dict[str, Any] = {"is_enabled": True}
    if not provider.api_key and not provider.secret_ref:
        if not os.environ.get(variable):
            raise ChangeRefused(
                f"--provider {provider.name}: {variable} is not set and no key is stored. Set it,"
                " or enter the key in the admin.",
                field="--provider",
            )
        columns["secret_ref"] = _reference(variable)
    _update(provider, done, f"provider {provider.name}", **columns)


def _move_local(local: Provider, url: str, done: Seeded) -> None:
    """Point `local` elsewhere. Its key belongs to scheme, host and port, and is not sent along."""
    columns: dict[str, Any] = {"api_base_url": url, "is_enabled": True}
    moved = origin(LOCAL, url) != origin(LOCAL, local.api_base_url)
    ours = local.secret_ref in {"", f"env:{LOCAL_KEY_VARIABLE}"}
    if moved and (local.api_key or not ours):
        raise ChangeRefused(
            "--local-url: the provider local has a key for its present address. Change the address"
            " in the admin, which asks for the key again.",
            field="--local-url",
        )
    if ours and not local.api_key:
        columns["secret_ref"] = _reference(LOCAL_KEY_VARIABLE)
    _update(local, done, f"provider {LOCAL}", **columns)


def _use_local_model(model_id: str, local: Provider, row: LLMConfig, done: Seeded) -> None:
    """List the model at `local`, free of charge, and let enrichment's tasks use it."""
    name = f"model {LOCAL}/{model_id}"
    model = _missing(
        done,
        name,
        ProviderModel.objects.filter(provider=local, model_id=model_id),
        provider=local,
        model_id=model_id,
        supports_json_schema=True,
    )
    _update(model, done, name, is_active=True, supports_json_schema=True)
    if not model.prices.exists():
        _manual_price(model, ZERO, ZERO)
    _update(
        row,
        done,
        "processing settings",
        provider=local,
        **dict.fromkeys(TASK_COLUMNS, model_id),
    )


def _missing(done: Seeded, name: str, found: models.QuerySet[Row], /, **columns: Any) -> Row:
    """The one row of `found`, made from `columns` if there is none."""
    row = found.first()
    if row is not None:
        done.unchanged += 1
        return row
    done.created.append(name)
    return found.model._default_manager.create(**columns)  # noqa: SLF001 - Django's public name for it


def _update(row: models.Model, done: Seeded, name: str, /, **columns: Any) -> None:
    """Set what a flag named; a row that already has it stays untouched."""
    changed = [column for column, value in columns.items() if getattr(row, column) != value]
    if not changed:
        return
    for column in changed:
        setattr(row, column, columns[column])
    row.save(update_fields=[*changed, "updated_at"])
    if name not in done.created and name not in done.updated:
        done.updated.append(name)


def _hints(providers: Mapping[str, Provider], row: LLMConfig) -> list[str]:
    """What is left for a person to do, the most pressing first."""
    hints = []
    if not row.enabled:
        hints.append(
            "Calls are switched off. Run `manage.py seed_llm_config --enable` to allow them."
        )
    if project_settings.process_values().get("LLM_DEFAULT_MODEL"):
        named = [column for column in TASK_COLUMNS if getattr(row, column)]
        if named:
            hints.append(
                f"The processing settings name models of their own ({', '.join(named)}), which go"
                " before LLM_DEFAULT_MODEL. Blank them in the admin to let it decide."
            )
    for name, variable in HOSTED.items():
        if not providers[name].is_enabled and os.environ.get(variable):
            hints.append(
                f"{variable} is set: `manage.py seed_llm_config --provider {name}` enables"
                f" the provider {name}."
            )
    if not any(providers[name].is_enabled for name in HOSTED):
        hints.append(
            "No hosted provider is enabled. To use one, set OPENAI_API_KEY, ANTHROPIC_API_KEY or"
            " OPENROUTER_API_KEY and name it with --provider."
        )
    return [*hints, "Next: `manage.py sync_llm_config` brings in the nodes."]

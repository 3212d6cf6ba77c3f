"""The configuration's rows, read in one round trip, as the plain values that calls go by."""

from collections.abc import Iterable
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model
from msgspec import Struct

from llmconfig import provider_types
from llmconfig.configuration.facts import (
    ArmFacts,
    BudgetFacts,
    CascadeFacts,
    Choice,
    Degradation,
    ExperimentFacts,
    JudgeFacts,
    ModelFacts,
    NodeFacts,
    ProviderFacts,
    UserKey,
)
from llmconfig.configuration.fixed_queries import FixedQuery, ask
from llmconfig.configuration.price_lists import facts_of
from llmconfig.models import (
    Budget,
    CascadeScore,
    ConfigVersion,
    Experiment,
    ExperimentArm,
    ExperimentMode,
    ExperimentStatus,
    GlobalConfig,
    LLMConfig,
    ModelPrice,
    NodeConfiguration,
    Provider,
    ProviderModel,
    RefusedParameter,
    UserConfig,
)
from llmconfig.runtime.records import replace

Row = TypeVar("Row", bound=Model)


class StoredFacts(Struct, frozen=True, kw_only=True):
    """What the snapshot of this revision shares, by the same names and keys."""

    revision: int
    token: UUID | None
    providers: dict[str, ProviderFacts]
    models: dict[tuple[str, str], ModelFacts]
    interactions: dict[str, Choice]
    nodes: dict[str, NodeFacts]
    user_choices: dict[tuple[UserKey, str], Choice]
    experiments: dict[str, ExperimentFacts]
    degradations: dict[str, Degradation]
    budgets: tuple[BudgetFacts, ...]
    processing: dict[str, Any]
    refused: dict[tuple[str, str], frozenset[str]]


_VERSION = FixedQuery(ConfigVersion, ConfigVersion.objects.all)
_PROVIDERS = FixedQuery(Provider, lambda: Provider.objects.order_by("priority", "name"))
_MODELS = FixedQuery(ProviderModel, lambda: ProviderModel.objects.filter(is_active=True))
_PRICES = FixedQuery(ModelPrice, lambda: ModelPrice.objects.filter(model__is_active=True))
_PROCESSING = FixedQuery(LLMConfig, lambda: LLMConfig.objects.filter(pk=1))
_KINDS = FixedQuery(GlobalConfig, GlobalConfig.objects.all)
_NODES = FixedQuery(NodeConfiguration, NodeConfiguration.objects.all)
_USERS = FixedQuery(UserConfig, UserConfig.objects.all)
_EXPERIMENTS = FixedQuery(
    Experiment, lambda: Experiment.objects.filter(status=ExperimentStatus.RUNNING)
)
_ARMS = FixedQuery(
    ExperimentArm, lambda: ExperimentArm.objects.filter(experiment__status=ExperimentStatus.RUNNING)
)
_BUDGETS = FixedQuery(Budget, lambda: Budget.objects.filter(is_enabled=True))
_REFUSED = FixedQuery(RefusedParameter, RefusedParameter.objects.all)


def version() -> tuple[int, UUID | None]:
    """The number of the current revision and its token, asked alone."""
    return _version(ask(_VERSION)[_VERSION])


def read() -> StoredFacts:
    """All tables; a change that is committed meanwhile moves `version()` on."""
    # Rows below one that was committed meanwhile are left out: they count at the next try.
    rows = ask(
        _VERSION, _PROVIDERS, _MODELS, _PRICES, _PROCESSING, _KINDS, _NODES, _USERS, _EXPERIMENTS,
        _ARMS, _BUDGETS, _REFUSED,
    )  # fmt: skip
    revision, token = _version(rows[_VERSION])
    providers = {row.pk: row.name for row in rows[_PROVIDERS]}
    nodes = {row.pk: row.node_name for row in rows[_NODES]}
    return StoredFacts(
        revision=revision,
        token=token,
        providers={row.name: _provider(row) for row in rows[_PROVIDERS]},
        models=_models(rows[_MODELS], rows[_PRICES], providers),
        interactions={
            row.interaction_type: replace(_choice(row), fallbacks=tuple(row.fallbacks))
            for row in rows[_KINDS]
        },
        nodes={row.node_name: of_node(row) for row in rows[_NODES]},
        user_choices={
            _user_key(row, nodes): _choice(row)
            for row in rows[_USERS]
            if row.node_id is None or row.node_id in nodes
        },
        experiments=_running(rows[_EXPERIMENTS], rows[_ARMS], nodes),
        degradations={
            row.interaction_type: Degradation(row.degrade_to, row.degrade_after_seconds)
            for row in rows[_KINDS]
            if row.degrade_to
        },
        budgets=tuple(
            BudgetFacts(
                id=row.pk,
                name=row.name,
                scope=row.scope,
                scope_value=row.scope_value,
                period=row.period,
                soft_limit_usd=row.soft_limit_usd,
                hard_limit_usd=row.hard_limit_usd,
                allow_unpriced=row.allow_unpriced,
            )
            for row in rows[_BUDGETS]
        ),
        processing=_columns(rows[_PROCESSING]),
        refused=_refused(rows[_REFUSED], providers),
    )


def _version(rows: list[ConfigVersion]) -> tuple[int, UUID | None]:
    return (rows[0].revision, rows[0].token) if rows else (0, None)


def _columns(rows: list[LLMConfig]) -> dict[str, Any]:
    return {name: getattr(rows[0], name) for name in _PROCESSING.columns} if rows else {}


def _by(name: str, rows: Iterable[Row]) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = {}
    for row in rows:
        found.setdefault(getattr(row, name), []).append(row)
    return found


def _choice(row: GlobalConfig | UserConfig) -> Choice:
    return Choice(model=row.model, temperature=row.temperature, max_tokens=row.max_tokens)


def _provider(row: Provider) -> ProviderFacts:
    """The row's facts; one of a kind that no installed app knows counts as disabled."""
    known = provider_types.is_known(row.provider_type)
    return ProviderFacts(
        name=row.name,
        provider_type=row.provider_type,
        base_url=(row.api_base_url or provider_types.base_url_of(row.provider_type)).rstrip("/"),
        api_key=row.api_key,
        key_place=row.key_place,
        secret_ref=row.secret_ref,
        api_version=row.api_version,
        timeout_seconds=row.timeout_seconds,
        priority=row.priority,
        weight=row.weight,
        is_enabled=row.is_enabled and known,
        requests_per_minute=row.requests_per_minute,
        tokens_per_minute=row.tokens_per_minute,
        max_concurrency=row.max_concurrency,
        hold_seconds=row.hold_seconds,
    )


def _models(
    rows: list[ProviderModel], prices: list[ModelPrice], providers: dict[UUID, str]
) -> dict[tuple[str, str], ModelFacts]:
    of_model = _by("model_id", prices)
    return {
        (providers[row.provider_id], row.model_id): ModelFacts(
            provider=providers[row.provider_id],
            model_id=row.model_id,
            kind=row.kind,
            tier=row.tier or "",
            context_window=row.context_window,
            max_output_tokens=row.max_output_tokens,
            supports_streaming=row.supports_streaming,
            supports_temperature=row.supports_temperature,
            supports_json_schema=row.supports_json_schema,
            supports_tools=row.supports_tools,
            supports_logprobs=row.supports_logprobs,
            prices=facts_of(of_model.get(row.pk, ())),
            retires_at=row.retires_at,
        )
        for row in rows
        if row.provider_id in providers
    }


def _refused(
    rows: list[RefusedParameter], providers: dict[UUID, str]
) -> dict[tuple[str, str], frozenset[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    for row in (each for each in rows if each.provider_id in providers):
        found.setdefault((providers[row.provider_id], row.model_id), set()).add(row.parameter)
    return {model: frozenset(names) for model, names in found.items()}


def of_node(row: NodeConfiguration) -> NodeFacts:
    """A node as calls see it; the row needn't be stored."""
    return NodeFacts(
        name=row.node_name,
        interaction_type=row.interaction_type,
        choice=Choice(
            model=row.default_model,
            provider=row.provider,
            temperature=row.default_temperature,
            max_tokens=row.default_max_tokens,
            fallbacks=tuple(row.fallbacks),
        ),
        azure=Choice(
            model=row.azure_model,
            temperature=row.azure_temperature,
            max_tokens=row.azure_max_tokens,
        ),
        tracing=row.langsmith_tracing,
        cascade=_cascade(row) if row.cascade_model else None,
        judge=JudgeFacts(row.judge_rubric, row.judge_model) if row.judge_rubric else None,
        apply_after=row.apply_after,
    )


def _cascade(row: NodeConfiguration) -> CascadeFacts:
    shares = {name: getattr(row, f"cascade_{name}") for name in ("target", "miss", "audits")}
    given = {name: share for name, share in shares.items() if share is not None}
    return CascadeFacts(row.cascade_model, row.cascade_score or CascadeScore.CONFIDENCE, **given)


def _running(
    rows: list[Experiment], arms: list[ExperimentArm], nodes: dict[int, str]
) -> dict[str, ExperimentFacts]:
    of_experiment = _by("experiment_id", arms)
    return {
        nodes[row.node_id]: ExperimentFacts(
            id=str(row.pk),
            name=row.name,
            arms=tuple(
                ArmFacts(
                    id=str(arm.pk),
                    name=arm.name,
                    weight=arm.weight,
                    choice=Choice(
                        model=arm.model,
                        provider=arm.provider,
                        temperature=arm.temperature,
                        max_tokens=arm.max_tokens,
                    ),
                )
                for arm in of_experiment.get(row.pk, ())
            ),
            shadow=row.mode == ExperimentMode.SHADOW,
        )
        for row in rows
        if row.node_id in nodes
    }


def _user_key(row: UserConfig, nodes: dict[int, str]) -> tuple[UserKey, str]:
    if row.node_id is not None:
        return row.user_id, f"node:{nodes[row.node_id]}"
    return row.user_id, f"type:{row.interaction_type}"

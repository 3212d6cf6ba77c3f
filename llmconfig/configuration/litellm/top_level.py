"""LiteLLM's settings beside `model_list`: each key taken, changed or left out, with the reason."""

from collections.abc import Callable, Mapping
from typing import Any

from llmconfig.configuration.litellm.figures import NO_TIMEOUT, mapping, seconds, whole
from llmconfig.configuration.litellm.groups import ImportedNodes, add_alias, add_fallbacks
from llmconfig.configuration.litellm.report import MigrationReport
from llmconfig.configuration.litellm.setting_families import ALERTS, reason_of

DAY, MONTH, TOTAL = "day", "month", "total"
PERIODS = {"1d": DAY, "24h": DAY, "daily": DAY, "30d": MONTH, "31d": MONTH, "1mo": MONTH,
           "1m": MONTH, "28d": MONTH, "monthly": MONTH}  # fmt: skip
AFTER_ANY = "the node's fallbacks, tried after any failure that may pass on another model"
NO_TEAMS = "there are no teams and users of LiteLLM's here; a key has an owner and a budget"
NO_SPEND_TABLE = "calls are recorded in the metrics tables"
OWN_DATABASE = "the project has its own database"
LOGS = "logging is Django's LOGGING"
NO_SUCH = "there is no such thing here"
# Key, and whether it holds here all the same (True) or is left out (False), with the reason.
SETTLED: Mapping[str, tuple[bool, str]] = {
    "drop_params": (True, "so it is here: what a model can't take is left out and recorded"),
    "modify_params": (True, "so it is here: requests are brought into the vendor's form"),
    "additional_drop_params": (True, "so it is here: what was refused once is left out"),
    "enable_pre_call_checks": (True, "so it is here: answers are held to the context window"),
    "redact_user_api_key_info": (True, "so it is here: no key is in records, logs or traces"),
    "turn_off_message_logging": (True, "so it is here for logs; LLM_FEATURE_HISTORY keeps texts"),
    "disable_spend_logs": (False, "LLM_FEATURE_METRICS=false switches records off"),
    "store_prompts_in_spend_logs": (False, "LLM_FEATURE_HISTORY switches texts on and off"),
    "store_model_in_db": (True, "so it is here: the configuration is in the database"),
    "supported_db_objects": (True, "so it is here: the configuration is in the database"),
    "use_chat_completions_url_for_anthropic_messages": (True, "each wire is spoken to in its own"),
    "master_key": (False, "`manage.py create_llm_key` makes keys; the admin has accounts"),
    "database_url": (False, OWN_DATABASE),
    "database_connection_pool_limit": (False, OWN_DATABASE),
    "database_connection_timeout": (False, OWN_DATABASE),
    "database_type": (False, OWN_DATABASE),
    "disable_database": (False, OWN_DATABASE),
    "allow_requests_on_db_unavailable": (True, "so it is here, for LLM_DATABASE_LOST_SECONDS"),
    "set_verbose": (False, LOGS),
    "json_logs": (False, LOGS),
    "log_level": (False, LOGS),
    "debug": (False, LOGS),
    "detailed_debug": (False, LOGS),
    "log_raw_request_response": (False, LOGS),
    "disable_error_logs": (False, LOGS),
    "suppress_debug_info": (False, LOGS),
    "telemetry": (True, "nothing is sent to anybody"),
    "timezone": (False, "LLM_TIME_ZONE is the zone of days"),
    "background_health_checks": (False, "a provider is tested on its page"),
    "health_check_interval": (False, "a provider is tested on its page"),
    "health_check_details": (False, "a provider is tested on its page"),
    "use_background_health_checks": (False, "a provider is tested on its page"),
    "routing_strategy_args": (False, "there is one strategy: priority, then weight"),
    "allowed_fails_policy": (False, "LLM_COOLDOWN_FAILURES counts passing failures of any kind"),
    "retry_policy": (False, "what may pass is tried again; LLM_RETRY_MAX_ATTEMPTS says how often"),
    "model_group_retry_policy": (False, "LLM_RETRY_MAX_ATTEMPTS holds for all"),
    "disable_cooldowns": (False, "LLM_COOLDOWN_FAILURES=0 switches cool-downs off"),
    "stream_timeout": (False, "LLM_STREAM_SILENCE_SECONDS bounds pauses in streams"),
    "redis_host": (False, "the project's REDIS_URL"),
    "redis_port": (False, "the project's REDIS_URL"),
    "redis_password": (False, "the project's REDIS_URL"),
    "redis_url": (False, "the project's REDIS_URL"),
    "redis_db": (False, "the project's REDIS_URL"),
    "cache_responses": (True, "the response cache"),
    "default_model": (False, "LLM_DEFAULT_MODEL is for calls that name none"),
    "default_params": (False, "a node has a temperature and a token limit"),
    "default_litellm_params": (False, "give them with each deployment"),
    "custom_auth": (False, "keys open /v1, and the project's own sessions the rest"),
    "custom_headers": (False, NO_SUCH),
    "allow_user_auth": (False, NO_TEAMS),
    "allowed_ips": (False, "the proxy or firewall before the server bounds addresses"),
    "allowed_routes": (False, "a key names the nodes that it may call"),
    "admin_only_routes": (False, "the admin has roles"),
    "public_routes": (False, "no route is open without a key"),
    "enforce_user_param": (False, NO_SUCH),
    "user_header_name": (False, "the end user is read from `user` and metadata"),
    "user_header_mappings": (False, "the end user is read from `user` and metadata"),
    "default_internal_user_params": (False, NO_TEAMS),
    "default_end_user_params": (False, NO_TEAMS),
    "default_team_params": (False, NO_TEAMS),
    "default_team_settings": (False, NO_TEAMS),
    "default_key_generate_params": (False, "`manage.py create_llm_key` has flags"),
    "key_generation_settings": (False, "who may make keys is a permission of Django's"),
    "upperbound_key_generate_params": (False, "`manage.py create_llm_key` has flags"),
    "default_max_internal_user_budget": (False, NO_TEAMS),
    "max_internal_user_budget": (False, NO_TEAMS),
    "internal_user_budget_duration": (False, NO_TEAMS),
    "max_end_user_budget": (False, "budgets are for providers, nodes, organizations and keys"),
    "max_user_budget": (False, NO_TEAMS),
    "max_ui_session_budget": (False, NO_SUCH),
    "proxy_batch_write_at": (True, "records are written in batches"),
    "proxy_budget_rescheduler_min_time": (True, "budgets begin anew by themselves"),
    "proxy_budget_rescheduler_max_time": (True, "budgets begin anew by themselves"),
    "maximum_spend_logs_retention_period": (False, "LLM_KEEP_METRICS_MONTHS keeps records"),
    "maximum_spend_logs_retention_interval": (False, "LLM_KEEP_METRICS_MONTHS keeps records"),
    "proxy_base_url": (False, "Django knows its hosts by DJANGO_ALLOWED_HOSTS"),
    "infer_model_from_keys": (False, "a node names its model"),
    "max_parallel_requests": (False, "limits are a provider's: max_concurrency"),
    "global_max_parallel_requests": (False, "limits are a provider's: max_concurrency"),
    "max_request_size_mb": (True, "a request has at most 32 MB"),
    "max_response_size_mb": (False, NO_SUCH),
    "alerting": (False, ALERTS),
    "alerting_threshold": (False, ALERTS),
    "alerting_args": (False, ALERTS),
    "alert_types": (False, ALERTS),
    "alert_to_webhook_url": (False, ALERTS),
    "extra_spend_tag_headers": (False, "tags come in x-nodewise-tags and metadata.tags"),
    "langfuse_default_tags": (False, "tags come in x-nodewise-tags and metadata.tags"),
    "prometheus_initialize_budget_metrics": (False, "/metrics has counters of calls"),
    "require_auth_for_metrics_endpoint": (True, "/metrics asks for a permission"),
    "custom_prometheus_metadata_labels": (False, "/metrics has fixed labels"),
    "enable_json_schema_validation": (True, "so it is here: answers are held to their schema"),
    "force_ipv4": (False, NO_SUCH),
    "ssl_verify": (False, "certificates are always verified"),
    "forward_client_headers_to_llm_api": (False, "clients' headers stay here"),
    "forward_openai_org_id": (False, "OpenAI knows it by the key"),
    "pass_through_endpoints": (False, NO_SUCH),
    "enable_oauth2_auth": (False, "keys open /v1"),
    "enable_jwt_auth": (False, "keys open /v1"),
    "litellm_jwtauth": (False, "keys open /v1"),
    "ui_access_mode": (False, "the admin has roles"),
    "ui_theme_config": (False, NO_SUCH),
    "coordination_v2": (False, NO_SUCH),
    "reset_spend_on_startup": (False, NO_SUCH),
    "enable_tag_filtering": (False, NO_SUCH),
    "model_group_public": (False, NO_SUCH),
    "public_model_groups": (False, NO_SUCH),
    "custom_provider_map": (False, "own code can't come in"),
    "post_call_rules": (False, "own code can't come in"),
    "pre_call_rules": (False, "own code can't come in"),
    "custom_key_generate": (False, "own code can't come in"),
    "custom_sso": (False, "own code can't come in"),
    "caching_groups": (False, NO_SUCH),
    "client_ttl": (False, NO_SUCH),
    "key_management_system": (False, "secret references read env:, file: and aws-sm:"),
    "key_management_settings": (False, "secret references read env:, file: and aws-sm:"),
    "disable_add_transform_inline_image_block": (False, NO_SUCH),
    "disable_hf_tokenizer_download": (True, "no tokenizer is fetched"),
    "add_function_to_prompt": (False, NO_SUCH),
}  # fmt: skip
SETTINGS = frozenset({"litellm_settings", "router_settings", "general_settings"})
SECTIONS_LEFT = {
    "environment_variables": "variables belong into the environment of web and workers",
    "guardrails": "there are none here",
    "mcp_servers": "tools are the client's",
    "mcp_tools": "tools are the client's",
    "vector_store_registry": NO_SUCH,
    "assistant_settings": NO_SUCH,
    "files_settings": NO_SUCH,
    "finetune_settings": NO_SUCH,
    "prompts": "prompts are the application's, or an enrichment's",
    "search_tools": NO_SUCH,
    "agents": NO_SUCH,
    "agent_list": NO_SUCH,
    "callback_settings": "traces go to LLM_TRACING_ENDPOINT",
    "default_team_settings": NO_TEAMS,
    "general": NO_SUCH,
    "skills": NO_SUCH,
}
TRACERS = frozenset({"langfuse", "langfuse_otel", "langsmith", "otel", "arize", "arize_phoenix",
                     "opik", "weave_otel", "logfire", "braintrust", "traceloop"})  # fmt: skip
CALLBACKS = frozenset({"callbacks", "success_callback", "failure_callback", "service_callback",
                       "audit_log_callbacks"})  # fmt: skip
FALLBACKS = {
    "fallbacks": "",
    "default_fallbacks": "",
    "context_window_fallbacks": AFTER_ANY,
    "content_policy_fallbacks": AFTER_ANY,
}


class TopLevelReader:
    """Reads the sections beside `model_list`, once the groups are known."""

    def __init__(self, report: MigrationReport, nodes: ImportedNodes) -> None:
        self.report = report
        self.nodes = nodes
        self.budgets: dict[str, dict[str, Any]] = {}

    def read(self, name: str, value: object) -> None:
        """One section; each of its keys gets a note."""
        if name in SETTINGS:
            settings = mapping(value)
            for key, each in settings.items():
                self._setting(key, each, f"{name}.{key}", settings)
        elif name in SECTIONS_LEFT:
            for key in mapping(value) or ("",):
                self.report.left_out(f"{name}.{key}".rstrip("."), SECTIONS_LEFT[name])
        elif name not in {"model_list", "credential_list"}:
            self._unknown(name, name)

    def _unknown(self, key: str, place: str) -> None:
        """A key that no table names: by its kind, or unknown."""
        if key in SETTLED:
            self.report.left_out(place, SETTLED[key][1])
        else:
            why = reason_of(key)
            self.report.left_out(place, why or "unknown to this import", known=bool(why))

    def _setting(self, key: str, value: Any, place: str, settings: Mapping[str, Any]) -> None:
        if key in FALLBACKS:
            add_fallbacks(value, place, self.nodes, self.report, reason=FALLBACKS[key])
        elif key in CALLBACKS:
            self._callbacks(value, place)
        elif key in HANDLERS:
            HANDLERS[key](self, value, place, settings)
        elif key in SETTLED:
            here, why = SETTLED[key]
            (self.report.taken if here else self.report.left_out)(place, why)
        else:
            self._unknown(key, place)

    def _callbacks(self, value: object, place: str) -> None:
        names = value if isinstance(value, list) else [value]
        for index, each in enumerate(names):
            where = f"{place}[{index}]" if isinstance(value, list) else place
            if each == "prometheus":
                self.report.taken(where, "/metrics serves Prometheus")
            elif isinstance(each, str) and each in TRACERS:
                self.report.changed(
                    where,
                    "set LLM_TRACING_ENDPOINT and a node's langsmith_tracing",
                )
            else:
                self.report.left_out(where, "own code and other services' callbacks can't come in")


def period_of(duration: object) -> tuple[str, str]:
    """A budget's period here, and why it is another one than LiteLLM's, blank if it isn't."""
    text = str(duration or "").strip().lower()
    if not text or text == "none":
        return TOTAL, ""
    if text in PERIODS:
        return PERIODS[text], ""
    short = text[-1:] in {"s", "h"} or (text[-1:] == "m" and not text.endswith("mo"))
    return (DAY if short else MONTH), "a stricter period: budgets are by day, month or in all"


def limit_of(value: object) -> str | None:
    """A budget's limit, None for what is none."""
    try:
        number = float(str(value))
    except ValueError:
        return None
    return f"{number:.6f}".rstrip("0").rstrip(".") if 0 <= number < 10**8 else None


def budget_fields(
    value: object, duration: object, scope: str, scope_value: str
) -> tuple[dict[str, Any], str]:
    """A hard limit in our fields, and what is different here; none for what is no amount."""
    limit = limit_of(value)
    if limit is None:
        return {}, "it is no amount"
    period, why = period_of(duration)
    fields: dict[str, Any] = {"scope": scope, "period": period, "hard_limit_usd": limit}
    if scope_value:
        fields["scope_value"] = scope_value
    return fields, why


def _count(variable: str, more: int = 0) -> Callable[..., None]:
    """A whole number as a variable; `more` is added, where there is counted from another end."""

    def told(reader: TopLevelReader, value: object, place: str, _: Mapping[str, Any]) -> None:
        number = whole(value, least=0)
        if number is None:
            reader.report.left_out(place, "it is no whole number")
        else:
            reader.report.set_variable(place, variable, number + more)

    return told


def _strategy(reader: TopLevelReader, value: object, place: str, _: Mapping[str, Any]) -> None:
    if value == "simple-shuffle":
        reader.report.taken(place, "so it is here: by weight among providers of one priority")
    else:
        reader.report.changed(place, "there is one strategy here: priority, then weight")


def _checks(reader: TopLevelReader, value: object, place: str, _: Mapping[str, Any]) -> None:
    for number, check in enumerate(value if isinstance(value, list) else [value]):
        if check == "enforce_model_rate_limits":
            reason = "so it is here: a deployment's rpm and tpm are limits"
            reader.report.taken(f"{place}[{number}]", reason)
        else:
            reader.report.left_out(f"{place}[{number}]", NO_SUCH)


def _aliases(reader: TopLevelReader, value: object, place: str, _: Mapping[str, Any]) -> None:
    for alias, target in mapping(value).items():
        group = target.get("model") if isinstance(target, dict) else target
        add_alias(alias, str(group), f"{place}.{alias}", reader.nodes, reader.report)


def _cache(reader: TopLevelReader, value: object, place: str, _: Mapping[str, Any]) -> None:
    reader.report.set_variable(place, "LLM_CACHE_ENABLED", str(bool(value)).lower())


def _cache_params(reader: TopLevelReader, value: object, place: str, _: Mapping[str, Any]) -> None:
    for key, each in mapping(value).items():
        where = f"{place}.{key}"
        if key == "ttl" and whole(each) is not None:
            reader.report.set_variable(where, "LLM_CACHE_TTL_SECONDS", each)
        elif key == "type" and each in {"redis", "local"}:
            reader.report.taken(where, "in memory and in Redis, as the project has it")
        elif key in {"host", "port", "password", "url", "username", "db", "ssl"}:
            reader.report.left_out(where, "the project's REDIS_URL")
        else:
            reader.report.left_out(where, "the cache knows exact repeats only, kept for one time")


def _timeout(reader: TopLevelReader, value: object, place: str, _: Mapping[str, Any]) -> None:
    if seconds(value) is None:
        reader.report.left_out(place, NO_TIMEOUT)
    else:
        reader.report.taken(place, "the timeout of providers whose deployments give none")


def _budget(reader: TopLevelReader, value: object, place: str, settings: Mapping[str, Any]) -> None:
    fields, why = budget_fields(value, settings.get("budget_duration"), "everything", "")
    if not fields:
        reader.report.left_out(place, why)
        return
    reader.budgets["litellm"] = fields
    reader.report.changed(place, f"the budget litellm of all calls{f'; {why}' if why else ''}")


def _duration(
    reader: TopLevelReader, value: object, place: str, settings: Mapping[str, Any]
) -> None:
    if "max_budget" in settings:
        reader.report.taken(place, "the budget's period")
    else:
        reader.report.left_out(place, "there is no max_budget beside it")


def _provider_budgets(
    reader: TopLevelReader, value: object, place: str, _: Mapping[str, Any]
) -> None:
    for name, each in mapping(value).items():
        given = mapping(each)
        fields, why = budget_fields(
            given.get("budget_limit") or given.get("max_budget"),
            given.get("time_period") or given.get("budget_duration"),
            "provider",
            name.replace("_", "-"),
        )
        if fields:
            reader.budgets[f"litellm, provider {name}"] = fields
            reader.report.changed(f"{place}.{name}", why or "a budget of the provider of that name")
        else:
            reader.report.left_out(f"{place}.{name}", why)


HANDLERS: Mapping[str, Callable[..., None]] = {
    "num_retries": _count("LLM_RETRY_MAX_ATTEMPTS", 1),
    "allowed_fails": _count("LLM_COOLDOWN_FAILURES", 1),
    "cooldown_time": _count("LLM_COOLDOWN_SECONDS"),
    "retry_after": _count("LLM_RETRY_BASE_DELAY"),
    "routing_strategy": _strategy,
    "optional_pre_call_checks": _checks,
    "model_group_alias": _aliases,
    "cache": _cache,
    "cache_params": _cache_params,
    "cache_kwargs": _cache_params,
    "request_timeout": _timeout,
    "timeout": _timeout,
    "max_budget": _budget,
    "budget_duration": _duration,
    "provider_budget_config": _provider_budgets,
}

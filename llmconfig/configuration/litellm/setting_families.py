"""LiteLLM's settings by their kind: what holds of many keys, whose names tell what they are about.

Source: `ConfigGeneralSettings`, `Router` and the package's own variables of LiteLLM 1.110.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

ACCOUNTS = "accounts, their passwords and signing in are Django's"
ALERTS = "an alert rule tells e-mail, a webhook or Slack; make one in the admin"
BUDGETS = "budgets are for providers, nodes, organizations and keys"
CACHE = "the cache knows exact repeats only, kept for one time"
CONNECTIONS = "connections are the server's own; certificates are always verified"
END_USERS = "the end user is read from `user` and metadata"
FILES = "files, batches, sound and WebSockets of other vendors are not served here"
GUARDRAILS = "there are none here"
HEALTH = "a provider is tested on its page"
LIMITS = "limits are a provider's"
LOGS = "logging is Django's LOGGING"
METRICS = "/metrics has fixed names and labels"
OWN_CODE = "own code can't come in"
OWN_DATABASE = "the project has its own database"
PAGES = "the admin is Django's, with roles"
PRICES = "the price list and a model's page have prices"
PROMPTS = "prompts are the application's, or an enrichment's"
RECORDS = "LLM_KEEP_METRICS_MONTHS keeps records"
REDIS = "the project's REDIS_URL"
ROUTING = "there is one strategy: priority, then weight"
SECRETS = "secret references read env:, file: and aws-sm:"
TEAMS = "there are no teams and users of LiteLLM's here; a key has an owner and a budget"
TOOLS = "tools are the client's"
TRACES = "traces go to LLM_TRACING_ENDPOINT; other services' callbacks can't come in"
VENDOR_KEYS = "give it with each deployment"
WIRES = "requests and answers are translated by rules that hold for all; see docs/gateway.md"
COUNTED = "tokens are counted by the provider, or estimated"
LITELLMS_OWN = "it is of LiteLLM's own database and routing"
ONE_TIMEOUT = "a provider has one timeout"
ONLY_KEYS = "only keys open providers here"
PER_MINUTE = "a provider's limits are of requests and tokens a minute"
PRICED_BY_LENGTH = "prices here are a token's: of input, output, cache and long prompts"
SEARCHES = "there is no search in texts here"
SORTED_BY_TEXT = "calls are not sorted by their text; a node's cascade asks a cheaper model first"
TAGS = "requests are tagged by their callers: x-nodewise-tags"
TOLD_BY_PROVIDER = "what a model refuses is told by its provider"
# Each begins with its reason; the first that matches counts.
_FAMILIES = (
    (TOOLS, r"mcp_.*", r".*_mcp_.*", r"public_mcp.*", r"sandbox_tools",
     r".*_interception_params", r"code_interpreter_.*", r"search_tool_.*", r"websearch_.*",
     r"apply_search_.*"),
    (TOOLS, r"agents?_.*", r"public_agent_.*", r"plugins", r"skill_.*", r"public_skills_.*",
     r".*marketplace.*", r".*claude_code_gateway.*"),
    (GUARDRAILS, r".*guardrail.*", r"policies", r"policy_attachments", r"llamaguard_.*",
     r"llm_guard_.*", r"presidio_.*", r"banned_.*", r"blocked_user_list",
     r"openai_moderations_.*", r"google_moderation_.*", r"azure_content_safety_.*",
     r"prompt_injection_.*", r"toxic_.*", r"output_parse_pii", r".*_safety_settings",
     r"block_robots"),
    (METRICS, r"prometheus_.*", r".*_prometheus_.*", r".*_prometheus_only"),
    (ALERTS, r".*alert.*", r"default_soft_budget"),
    (ACCOUNTS, r"password_policy_.*", r".*_login_.*", r".*_login", r"failed_login_.*",
     r".*sso.*", r".*oauth2?.*", r".*jwt.*", r"ui_(?:username|password)",
     r"hide_default_credentials_hint", r"role_permissions", r"enforce_rbac", r"custom_auth_.*"),
    (OWN_CODE, r"custom_(?!prompt).*", r".*_custom_logger", r".*_transformation_object",
     r"callbacks", r"input_callback", r".*_callbacks?"),
    (TRACES,
     r"(?:langfuse|langsmith|argilla|datadog|newrelic|pointfive|zerobus|dynamodb|gcs|generic|otel|s3|aws_sqs|arize|opik|logfire)_.*",
     r"otel", r"tracing", r"cold_storage_.*", r".*_in_cold_storage", r"logged_.*",
     r"standard_logging_.*", r".*_dynamic_callback_.*", r".*callback_params"),
    (OWN_DATABASE, r"database_.*", r".*prisma.*"),
    (RECORDS, r".*spend_?logs?.*", r"maximum_.*", r".*spend.*", r"store_audit_logs",
     r".*_retention_.*", r"global_disable_no_log_param", r"disable_requester_ip_.*"),
    (REDIS, r".*redis.*"),
    (CACHE, r".*cach(?:e|ing).*", r"default_in_memory_ttl"),
    (HEALTH, r".*health.*", r".*drain_endpoint.*", r"scheduled_job_.*"),
    (TEAMS, r".*team.*", r".*internal_user.*", r"user_header_.*", r"personal_key_.*",
     r".*org_admin", r"self_serve_.*", r".*rbac.*", r".*generate_params"),
    (END_USERS, r".*end_user.*", r".*metadata_tags", r"request_tag_.*", r".*_to_request_tags",
     r"add_user_.*", r"enforced_params", r"user_api_key_.*", r"overwrite_user_.*",
     r"missing_session_id"),
    (BUDGETS, r".*budget.*", r"priority_reservation.*"),
    (PRICES, r".*cost_.*", r"model_cost.*", r".*_cost", r".*without_pricing"),
    (SECRETS, r"use_google_kms", r"use_azure_key_vault", r"secret_manager_.*",
     r".*credential_overrides"),
    (CONNECTIONS, r"ssl_.*", r".*aiohttp.*", r"http2", r".*client_session",
     r"use_x_forwarded_for", r".*trusted_proxy_.*", r"proxy_auth", r"network_mock",
     r".*url_allowed_hosts", r".*_url_destination_.*", r"user_url_.*"),
    (PAGES, r"(?:ui|public|control_plane|worker)_.*", r".*_ui_.*", r".*_hub",
     r"return_wildcard_.*", r"model_list_healthy_only",
     r"(?:blog_posts|autorouter_presets|anthropic_beta_headers)_url"),
    (FILES, r".*_files?_.*", r".*batch.*", r"allowed_file_.*", r"blocked_file_.*",
     r"vector_store_.*", r"assistant_.*", r"require_managed_files", r".*websocket.*",
     r".*pass_?through.*", r"passthrough_.*", r"transcribe_.*", r".*client_side_.*",
     r"gemini_live_.*", r".*unmanaged_.*"),
    (PROMPTS, r".*prompt_directory", r"global_(?:bitbucket|gitlab|github)_.*", r"prompt_.*",
     r"custom_prompt_.*"),
    (LIMITS, r"max_in_flight_.*", r"max_queued_.*", r"admission_.*", r"token_rate_limit_.*",
     r".*rate_limit.*", r"max_parallel_.*"),
    (ROUTING, r"tag_.*", r"routing_.*", r"model_group_.*", r"weights", r".*affinity.*",
     r"auto_?router.*", r"enable_pre_call_check", r".*fallback.*", r".*_to_responses",
     r"completion_model", r"model_alias_map", r"max_retries", r"retry", r".*_per_request",
     r"enable_loadbalancing_.*"),
    (LOGS, r".*_errors?(?:_.*)?", r"log_.*", r".*_in_logs", r".*debug.*", r"redact_.*",
     r"return_response_headers", r"logging", r"include_call_id_.*"),
    (VENDOR_KEYS, r"(?!master_)[a-z0-9_]+_key", r"api_key", r"token",
     r"(?:vertex|default_vertex|azure|aws|watsonx|predibase)_[a-z_]+", r"api_base",
     r"api_version", r"organization", r"project", r".*_base_url", r"headers", r"enable_azure_.*",
     r"use_litellm_proxy", r"enforce_fallback_.*"),
    (WIRES, r"anthropic_.*", r"bedrock_.*", r"gemini_.*", r"openai_.*", r"disable_(?!key|env).*",
     r"reasoning_.*", r"enable_gemini_.*", r".*keepalive.*", r".*traceparent.*", r".*_headers",
     r".*stream_usage", r"check_provider_endpoint", r"enable_preview_features",
     r"repeated_streaming_.*", r"cancel_on_disconnect", r"strip_.*"),
)  # fmt: skip
# The same of a deployment's parameters.
_PARAMETERS = (
    (SORTED_BY_TEXT, r"(?:auto|complexity|adaptive|quality|switchyard)_?router_.*"),
    (FILES, r"(?:s3|gcs)_.*", r"bucket_name", r"max_file_size_mb", r".*_cloud_file_ids",
     r"bedrock_tags"),
    (SEARCHES, r"(?:valkey|milvus|pg_vector|vector_store)_(?!ids).*"),
    (ONLY_KEYS, r".*(?:identity|federation|keycloak|oauth|auth_file|token_exchange|issuer).*",
     r"(?:azure|watsonx|sap|oci|snowflake|databricks)_.*", r".*_service_account_id",
     r"zen_api_key", r".*_organization_id"),
    (PER_MINUTE, r"itpm", r"otpm", r"rpd", r"tpd", r"daily_reset_time", r"default_api_key_.*"),
    (ONE_TIMEOUT, r".*timeout.*"),
    (CONNECTIONS, r"ssl_.*"),
    (WIRES, r".*keepalive.*", r".*affinity.*", r"thought_signature_.*", r"use_litellm_proxy",
     r"responses_api_version"),
    (TAGS, r"tag_.*"),
)  # fmt: skip
# The same of `model_info`.
_INFO = (
    (PRICED_BY_LENGTH, r".*cost.*", r".*pricing.*", r".*ptu_.*", r".*_uplift_.*", r".*billing.*"),
    (HEALTH, r".*health_check.*"),
    (LITELLMS_OWN, r"created_.*", r"updated_.*", r"db_model", r"blocked", r".*router.*",
     r"access_windows", r".*preferences", r"discoverable"),
    (TOLD_BY_PROVIDER, r"supported_.*", r"enforce_supported_.*"),
    (COUNTED, r"custom_tokenizer", r"prompt_cache_min_tokens", r"max_embedding_batch_size"),
)  # fmt: skip
_Kinds = tuple[tuple[re.Pattern[str], str], ...]


def _kinds(families: Iterable[tuple[str, ...]]) -> _Kinds:
    return tuple(
        (re.compile("|".join(patterns), re.IGNORECASE), reason) for reason, *patterns in families
    )


_OF_SETTINGS, _OF_PARAMETERS, _OF_INFO = map(_kinds, (_FAMILIES, _PARAMETERS, _INFO))


def reason_of(key: str) -> str:
    """Why a setting of this name is left out; blank if its name tells nothing."""
    return _reason(key, _OF_SETTINGS)


def reason_of_parameter(key: str) -> str:
    """The same of a deployment's `litellm_params`."""
    return _reason(key, _OF_PARAMETERS)


def reason_of_fact(key: str) -> str:
    """The same of its `model_info`."""
    return _reason(key, _OF_INFO)


@lru_cache(maxsize=1000)
def _reason(key: str, kinds: _Kinds) -> str:
    return next((reason for kind, reason in kinds if kind.fullmatch(key)), "")

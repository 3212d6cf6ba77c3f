"""The keys of a LiteLLM deployment: what each becomes here, or why it has no place."""

import re
from collections.abc import Callable, Mapping

from llmconfig.configuration.litellm.figures import (
    ENVIRONMENT,
    NO_TIMEOUT,
    RATES,
    rate,
    seconds,
    temperature,
    whole,
)
from llmconfig.configuration.litellm.report import MigrationReport
from llmconfig.configuration.litellm.setting_families import reason_of_fact, reason_of_parameter

# What people write where a server wants no key.
PLACEHOLDERS = re.compile(
    r"|none|null|na|n/a|dummy|empty|not[-_ ]?(?:needed|required|used)|no-?key.*|ollama|lm-studio"
    r"|fake.*|placeholder.*|anything|sk-1234|sk-?(?:x+|\.+|none|fake|dummy)?|your[-_].*|<.*>|x+",
    re.IGNORECASE,
)
NOT_HERE = "send it with the request: a node has a temperature and a token limit"
LEFT = {
    "stream_timeout": "LLM_STREAM_SILENCE_SECONDS bounds pauses in streams, for all providers",
    "max_retries": "LLM_RETRY_MAX_ATTEMPTS holds for all providers",
    "cooldown_time": "LLM_COOLDOWN_SECONDS holds for all providers",
    "num_retries": "LLM_RETRY_MAX_ATTEMPTS holds for all providers",
    "extra_body": NOT_HERE,
    "extra_headers": "providers get no headers of your own",
    "organization": "OpenAI knows it by the key",
    "region_name": "the address says it",
    "mock_response": "`make demo` has a simulated provider",
    "keep_alive": "set it at the Ollama server",
    "num_ctx": "set it at the Ollama server",
    "context_window": "`model_info.max_input_tokens` is meant; here it would reach the provider",
    "rpm_limit": "LiteLLM passes it on to the provider; `rpm` is meant",
    "tpm_limit": "LiteLLM passes it on to the provider; `tpm` is meant",
    "tags": "requests are tagged by their callers: x-nodewise-tags",
    "fallbacks": "give them under router_settings.fallbacks",
    "guardrails": "there are none here",
    "use_in_pass_through": "there is no pass-through here",
    "configurable_clientside_auth_params": "a provider's key never comes from a client",
    "litellm_trace_id": "calls have ids of their own",
    "cache_control_injection_points": "clients mark what is cached, and the marks travel",
}
TAKEN = {
    "drop_params": "so it is here: what a model can't take is left out, and the record says so",
    "additional_drop_params": "so it is here: what was refused once is left out",
    "merge_reasoning_content_in_choices": "thoughts travel beside the answer",
    "use_chat_completions_api": "so it is here",
}
REQUEST_PARAMETERS = frozenset(
    {"top_p", "top_k", "seed", "stop", "presence_penalty", "frequency_penalty", "n", "user",
     "reasoning_effort", "thinking", "think", "response_format", "logit_bias", "logprobs",
     "parallel_tool_calls", "tool_choice", "tools", "service_tier", "min_p", "repeat_penalty",
     "repetition_penalty", "num_predict", "format", "stream", "modalities", "dimensions",
     "encoding_format", "verbosity", "safety_settings", "allowed_openai_params", "store",
     "web_search_options", "vector_store_ids", "input_type", "metadata", "prompt_cache_key"}
)  # fmt: skip
INFO = {
    "id": (True, "models have ids of their own here"),
    "description": (True, "the node's description"),
    "base_model": (False, "prices are by our own model; take one over on its page"),
    "access_groups": (False, "a key names the nodes that it may call"),
    "team_id": (False, "there are no teams here"),
    "supports_vision": (True, "pictures travel to any model"),
    "supports_reasoning": (True, "thoughts travel from any model"),
    "supports_pdf_input": (True, "files travel to any model"),
    "supports_audio_input": (False, "only text, pictures and files travel"),
    "supports_audio_output": (False, "only text is answered"),
    "supports_prompt_caching": (True, "so it is here, where the provider has it"),
    "supports_parallel_function_calling": (True, "so it is here"),
    "supports_tool_choice": (True, "so it is here"),
    "supports_system_messages": (True, "so it is here"),
    "supports_web_search": (True, "so it is here, where the provider has it"),
    "supports_assistant_prefill": (True, "so it is here, where the provider has it"),
    "supports_native_streaming": (True, "so it is here"),
    "litellm_provider": (True, "the model's name says it"),
    "max_tokens": (True, "the longest answer"),
    "health_check_model": (False, "there are no health checks that cost"),
    "disable_background_health_check": (True, "there are no health checks that cost"),
    "output_vector_size": (True, "vectors have the length that the model gives"),
    "input_cost_per_image": (False, "pictures are priced by tokens here"),
    "output_cost_per_image": (False, "pictures are priced by tokens here"),
    "input_cost_per_second": (False, "calls are priced by tokens here"),
    "output_cost_per_second": (False, "calls are priced by tokens here"),
    "rpm": (False, "`litellm_params.rpm` is meant"),
    "tpm": (False, "`litellm_params.tpm` is meant"),
    "supported_openai_params": (True, "what a model refuses is left out, once it was refused"),
}


FACTS = {
    "mode": "the model's kind",
    "max_input_tokens": "the model's context window",
    "max_output_tokens": "the model's longest answer",
    "supports_function_calling": "whether the model calls tools",
    "supports_response_schema": "whether the model obeys a schema by itself",
}
NoteParam = Callable[[MigrationReport, object, str], None]


def _taken(reason: str) -> NoteParam:
    def told(note: MigrationReport, value: object, place: str) -> None:
        note.taken(place, reason)

    return told


def _as_whole(reason: str, *, least: int = 1) -> NoteParam:
    def told(note: MigrationReport, value: object, place: str) -> None:
        if whole(value, least=least) is None:
            note.left_out(place, "it is no whole number that fits")
        else:
            note.changed(place, reason)

    return told


def _note_key(note: MigrationReport, value: object, place: str) -> None:
    text = str(value or "").strip()
    if not text.startswith(ENVIRONMENT):
        if PLACEHOLDERS.fullmatch(text):
            note.taken(place, "a placeholder: no key is sent")
        else:
            note.changed(place, "stored encrypted; give it as os.environ/NAME to keep it outside")
    elif f"env:{text.removeprefix(ENVIRONMENT)}" in note.references:
        note.left_out(place, "LLM_SECRET_REFERENCES doesn't allow it yet; see below")
    else:
        note.taken(place, "the provider's secret reference env:NAME")


def _note_temperature(note: MigrationReport, value: object, place: str) -> None:
    if temperature(value) is None:
        note.left_out(place, "it is no number from 0 to 2")
    else:
        note.taken(place, "the node's temperature")


def _note_timeout(note: MigrationReport, value: object, place: str) -> None:
    if seconds(value) is None:
        note.left_out(place, NO_TIMEOUT)
    else:
        note.taken(place, "the provider's timeout; the longest of its deployments")


_RATE = (
    "a limit of a provider of its own, and its weight if none is given; LiteLLM only weighs by it"
    " unless enforce_model_rate_limits is on"
)
PARAMS: Mapping[str, NoteParam] = {
    "model": _taken("a provider and a model of it"),
    "custom_llm_provider": _taken("the provider's type and address"),
    "api_key": _note_key,
    "api_base": _taken("the provider's address"),
    "base_url": _taken("the provider's address"),
    "api_version": _taken("the provider's API version"),
    "litellm_credential_name": _taken("its values are the provider's"),
    "timeout": _note_timeout,
    "temperature": _note_temperature,
    "max_tokens": _as_whole("the node's token limit"),
    "max_completion_tokens": _as_whole("the node's token limit"),
    "rpm": _as_whole(_RATE),
    "tpm": _as_whole(_RATE),
    "max_parallel_requests": _as_whole("a limit of a provider of its own"),
    "weight": _as_whole("the weight of a provider of its own"),
    "order": _as_whole("the order of the node's model and fallbacks", least=0),
    "max_budget": _taken("a budget of the node"),
    "budget_duration": _taken("the period of the node's budget"),
}


def _note_rate(note: MigrationReport, value: object, place: str) -> None:
    if rate(value) is None:
        note.left_out(place, "it is no price")
    else:
        note.changed(place, "a price a million tokens, entered by hand")


def note_params(note: MigrationReport, params: Mapping[str, object], place: str) -> None:
    """A note for each key of `litellm_params`."""
    for name, value in params.items():
        _note_param(note, name, value, f"{place}.{name}")


def _note_param(note: MigrationReport, name: str, value: object, place: str) -> None:
    if name in LEFT:
        note.left_out(place, LEFT[name])
    elif name in TAKEN:
        note.taken(place, TAKEN[name])
    elif name in REQUEST_PARAMETERS:
        note.left_out(place, NOT_HERE)
    elif name in RATES:
        _note_rate(note, value, place)
    elif name in PARAMS:
        PARAMS[name](note, value, place)
    elif name.startswith(("aws_", "vertex_", "azure_ad", "tenant_id", "client_")):
        note.left_out(place, "only keys open providers here")
    else:
        why = reason_of_parameter(name)
        unknown = f"unknown to this import: if it is a parameter, {NOT_HERE}"
        note.left_out(place, why or unknown, known=bool(why))


def note_info(note: MigrationReport, info: Mapping[str, object], place: str) -> None:
    """A note for each key of `model_info`."""
    for name, value in info.items():
        where = f"{place}.{name}"
        if name in RATES:
            _note_rate(note, value, where)
        elif name in INFO:
            here, why = INFO[name]
            (note.taken if here else note.left_out)(where, why)
        elif name in FACTS:
            note.taken(where, FACTS[name])
        elif name.startswith("supports_"):
            note.taken(where, "so it is here, where the provider has it")
        else:
            why = reason_of_fact(name)
            note.left_out(where, why or "nothing reads it here", known=bool(why))

"""Parameters that a server refuses: which one its error names, and requests without them.

A refusal has a name of its own, which is also how it is kept: `temperature`; `max_tokens` (then
`max_completion_tokens` is sent, and the other way round); `response_format:json_object`;
`role:developer`; `reasoning_effort=minimal` where only the value is refused; `tools:custom`, after
which tools of free text are asked as functions.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from llmconfig.client.wire import JSON, Refusal

# What a request can do without; of two that exclude each other, the one to leave out stands first.
# Tools, stop sequences and dimensions are not among them: without them the answer would be another
# one than was asked for.
OPTIONAL = (
    "stream_options", "parallel_tool_calls", "top_logprobs", "logprobs", "logit_bias", "seed",
    "reasoning_effort", "reasoning", "thinking", "verbosity", "service_tier", "frequency_penalty",
    "presence_penalty", "repetition_penalty", "min_p", "top_k", "top_p", "temperature",
    "encoding_format", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options",
    "cache_control", "safety_identifier", "store", "metadata", "user", "prediction",
    "web_search_options", "chat_template_kwargs", "include", "n",
)  # fmt: skip
FREE_TEXT_TOOLS = "tools:custom"
CHOICES = "n"  # how many answers; those that don't come are asked one by one
OTHER_LIMIT = {
    "max_tokens": "max_completion_tokens",
    "max_completion_tokens": "max_tokens",
}
WITH_VALUES = frozenset({"reasoning_effort", "service_tier", "verbosity"})
# What Responses are asked for beside the answer, refused by models that don't reason:
# https://github.com/pydantic/pydantic-ai/issues/2865
SEALED = "include:reasoning.encrypted_content"
# Anthropic's place for a schema.
OUTPUT_CONFIG = "output_config"
# Words that errors also use in another sense: these count only in quotes or as a field's path.
_PLAIN_WORDS = frozenset(
    {"user", "store", "metadata", "reasoning", "thinking", "seed", "include", "n"}
)
REFUSING_STATUSES = frozenset({400, 422})
# The caller's mistake, which it should hear of.
_WRONG_TYPE = re.compile(
    r"invalid[ _]type|expected an? |(?:be|is not) an? (?:valid )?"
    r"(?:integer|number|string|bool|object|array|list|dict)|valid (?:integer|number|string|bool)",
    re.IGNORECASE,
)
# About this request's value, or about two parameters together: not true of the model's every call.
_THIS_VALUE = re.compile(
    r"between|less than|greater than|at most|at least|[<>]=|above|below|range|too (?:large|long"
    r"|high|low|many|small)|exceed|maximum|minimum|invalid schema|\bboth\b|together|must contain"
    r"|\b(?:when|while|unless|if)\b",
    re.IGNORECASE,
)
# What older versions of OpenAI's API say of a tool of the type `custom`, which has no `function`.
_FREE_TEXT = re.compile(
    r"tools\[\d+\](?:\.type|\.function\b)|['\"`]custom['\"`]|\bcustom tools?\b|type:? custom\b",
    re.IGNORECASE,
)
_ABOUT_ITS_GRAMMAR = re.compile(r"grammar|lark|regex|\bformat\b|definition", re.IGNORECASE)
_UNKNOWN_FIELD = re.compile(
    r"extra (?:inputs|fields)|unrecognized|unknown|unexpected keyword|no such (?:field|parameter)"
    r"|additional propert",
    re.IGNORECASE,
)
_SYSTEM_ROLE = re.compile(
    r"system[ _](?:role|message|prompt|instruction)|role.{0,20}['\"`]?system|developer instruction",
    re.IGNORECASE,
)
_SIMPLE_VALUE = re.compile(r"[a-z_]{1,20}")
_TEMPLATE = re.compile(r"template|jinja", re.IGNORECASE)


class Adjustment(Struct, frozen=True):
    """A refusal by its name. `lasting`: it holds for the model, not only for this request."""

    refused: str
    lasting: bool = True


def adjustment_for(
    status: int, refusal: Refusal, content: JSON, refused: Iterable[str]
) -> Adjustment | None:
    """What to leave out or to say otherwise after an error; None if nothing would help.

    `content` is the request that was sent, `refused` what it had been adjusted to already.
    """
    said = refusal.message
    if status not in REFUSING_STATUSES and not (status == 500 and _TEMPLATE.search(said)):
        return None
    place = refusal.parameter.removeprefix("body.")
    root = re.split(r"[.\[]", place)[0]
    if root in {"", "messages"}:
        role = _refused_role(place, said, content)
        if role is not None and role not in refused:
            return Adjustment(role)
    if status == 500:
        return None
    if _refuses_free_text(place, said, content) and FREE_TEXT_TOOLS not in refused:
        return Adjustment(FREE_TEXT_TOOLS)
    names = [root] if root in content else [each for each in _named_in(said) if each in content]
    for name in names:
        found = _adjustment(name, refusal, content)
        if found is not None and _helps(found.refused, refused):
            return found
    return None


def _adjustment(name: str, refusal: Refusal, content: JSON) -> Adjustment | None:
    said = refusal.message
    if name in OTHER_LIMIT:
        about_its_value = _WRONG_TYPE.search(said) or _THIS_VALUE.search(said)
        return None if about_its_value else Adjustment(name)
    if name == "response_format":
        whole = _UNKNOWN_FIELD.search(said) is not None
        kind = content[name].get("type") if isinstance(content[name], Mapping) else ""
        return Adjustment(name if whole else f"{name}:{kind}", _is_lasting(said))
    if name != OUTPUT_CONFIG and (name not in OPTIONAL or _WRONG_TYPE.search(said)):
        return None
    if name == "include" and "encrypted content" in said.lower():
        return Adjustment(SEALED)
    value = content[name]
    if name in WITH_VALUES and isinstance(value, str) and _names_value(refusal, value):
        return Adjustment(f"{name}={value}", _SIMPLE_VALUE.fullmatch(value) is not None)
    return Adjustment(name, name == CHOICES or _is_lasting(said))


def _is_lasting(said: str) -> bool:
    return _THIS_VALUE.search(said) is None


def _names_value(refusal: Refusal, value: str) -> bool:
    """Whether it is the value that is refused, and another one might not be."""
    by_code = not refusal.codes.isdisjoint({"unsupported_value", "invalid_value"})
    return by_code or re.search(rf"['\"`]{re.escape(value)}['\"`]", refusal.message) is not None


def _helps(name: str, refused: Iterable[str]) -> bool:
    """Whether the request would be another one: both names of a limit may be refused."""
    return name not in refused and OTHER_LIMIT.get(name, "") not in refused


def _named_in(said: str) -> list[str]:
    names = [*OPTIONAL, *OTHER_LIMIT, "response_format", OUTPUT_CONFIG]
    return [name for name in names if _names(said, name)]


def _names(said: str, name: str) -> bool:
    head, *rest = name.split("_")
    in_camel_case = "".join([head, *map(str.capitalize, rest)])  # xAI's words
    word = f"(?:{name}|{in_camel_case})" if rest else name
    pattern = rf"(?<![\w-]){word}(?![\w-])"
    if name in _PLAIN_WORDS:
        quoted = rf"['\"`\u201c\u2018]{word}['\"`\u201d\u2019]"
        path = rf"(?:^|[\s.]){word}:"
        refused = rf"\b{word} (?:is|are) (?:not supported|unsupported|not allowed)"
        pattern = rf"{quoted}|{path}|(?:parameter|argument|field)s?:? {word}\b|{refused}"
    return re.search(pattern, said, re.IGNORECASE) is not None


def _refused_role(place: str, said: str, content: JSON) -> str | None:
    """`role:developer` or `role:system`, if the error is about roles and one of them was sent."""
    roles = {each.get("role") for each in _messages(content)}
    about_roles = "role" in place or re.search(r"\brole|developer", said, re.IGNORECASE)
    if "developer" in roles and about_roles:
        return "role:developer"
    if "system" in roles and _SYSTEM_ROLE.search(said):
        return "role:system"
    return None


def _refuses_free_text(place: str, said: str, content: JSON) -> bool:
    """Whether the error is about a chat's tool of free text as such, and one was sent."""
    tools = content.get("tools")
    kinds = [each.get("type") for each in tools] if isinstance(tools, list) else []
    if "custom" not in kinds or "messages" not in content or _ABOUT_ITS_GRAMMAR.search(said):
        return False
    return _FREE_TEXT.search(f"{place} {said}") is not None


def _messages(content: JSON) -> Sequence[Mapping[str, Any]]:
    messages = content.get("messages")
    return messages if isinstance(messages, list | tuple) else ()


def adjusted(content: JSON, refused: frozenset[str]) -> tuple[JSON, tuple[str, ...]]:
    """A request without what its server refuses, and in words what was left out or replaced.

    A `response_format` for a schema of ours is already chosen by the wire.
    """
    told = []
    content = dict(content)
    for name in sorted(refused):
        sealed = name == SEALED
        said = _without_sealed(content) if sealed else _leave_out(content, name, refused)
        if said:
            told.append(said)
    return content, tuple(told)


def _leave_out(content: JSON, name: str, refused: frozenset[str]) -> str:
    plain, _, value = name.partition("=")
    if value:
        return _drop(content, plain) if content.get(plain) == value else ""
    if name in OTHER_LIMIT:
        other = OTHER_LIMIT[name]
        if name not in content or other in refused:
            return ""
        content[other] = content.pop(name)
        return f"{name} (sent as {other})"
    if name.startswith("role:"):
        return _with_other_role(content, name.removeprefix("role:"), refused)
    if name.startswith("response_format:"):
        return _with_other_format(content, name, refused)
    return _drop(content, name) if name in OPTIONAL or name == "response_format" else ""


def _without_sealed(content: JSON) -> str:
    """Nothing is lost by it: such a model has no thoughts to give."""
    sealed = SEALED.removeprefix("include:")
    rest = [each for each in content.pop("include", ()) if each != sealed]
    if rest:
        content["include"] = rest
    return ""


def _drop(content: JSON, name: str) -> str:
    if name not in content:
        return ""
    del content[name]
    return name


def _with_other_format(content: JSON, name: str, refused: frozenset[str]) -> str:
    """A caller's own JSON mode, as a schema of any object if that isn't refused as well."""
    form = content.get("response_format")
    kind = form.get("type") if isinstance(form, Mapping) else None
    if not name.endswith(f":{kind}"):
        return ""
    if kind == "json_object" and "response_format:json_schema" not in refused:
        described = {"name": "answer", "strict": False, "schema": {"type": "object"}}
        content["response_format"] = {"type": "json_schema", "json_schema": described}
        return "response_format json_object (sent as json_schema)"
    return _drop(content, "response_format")


def _with_other_role(content: JSON, role: str, refused: frozenset[str]) -> str:
    messages = _messages(content)
    if not any(each.get("role") == role for each in messages):
        return ""
    if role == "developer" and "role:system" not in refused:
        content["messages"] = [
            {**each, "role": "system"} if each.get("role") == role else each for each in messages
        ]
        return "role developer (sent as system)"
    content["messages"] = _merged_into_user(messages, role)
    return f"role {role} (sent as user)"


def _merged_into_user(messages: Sequence[Mapping[str, Any]], role: str) -> list[Mapping[str, Any]]:
    """The instructions at the head of the next user message: templates want roles to alternate."""
    made: list[Mapping[str, Any]] = []
    held: list[str] = []
    for each in messages:
        said = each.get("content")
        if each.get("role") == role:
            held.append(said if isinstance(said, str) else _text(said))
        elif held and each.get("role") == "user":
            made.append({**each, "content": _headed("\n\n".join(held), said)})
            held = []
        else:
            made.append(each)
    if held:
        made.append({"role": "user", "content": "\n\n".join(held)})
    return made


def _headed(head: str, said: Any) -> Any:
    if isinstance(said, list):
        return [{"type": "text", "text": head}, *said]
    return f"{head}\n\n{said}"


def _text(parts: Any) -> str:
    if not isinstance(parts, list):
        return ""
    return "\n".join(str(each.get("text", "")) for each in parts if isinstance(each, Mapping))

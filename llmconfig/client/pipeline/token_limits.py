"""Other names for the limit on an answer's tokens, which count as what they mean.

Servers take several of them beside `max_tokens`, and some let the other name win: llama.cpp's
`n_predict`, Ollama's `num_predict` under `options`. Passed on as it is, such a name would beat the
limits and budgets that were reckoned with `max_tokens`.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from llmconfig.client.types import Call
from llmconfig.client.wire import LIMIT_HOLDERS, TOKEN_LIMIT_NAMES
from llmconfig.runtime.records import replace

MAX_LIMIT = 2**31
LIMIT_PLACES = TOKEN_LIMIT_NAMES.union(LIMIT_HOLDERS)
AnyCall = TypeVar("AnyCall", bound=Call)


def with_one_limit(call: AnyCall) -> AnyCall:
    """The call with the least limit that it names as its `max_tokens`, and none under other names.

    What is no limit, such as -1 for "endless", is taken away without one.
    """
    if LIMIT_PLACES.isdisjoint(call.extra):
        return call
    extra, limits = _without_limits(call.extra)
    for name in LIMIT_HOLDERS:
        if isinstance(extra.get(name), Mapping):
            extra[name], more = _without_limits(extra[name])
            limits += more
    given = call.given
    if limits:
        known = given.get("max_tokens")
        given = {**given, "max_tokens": min([*limits, *([known] if known else [])])}
    return replace(call, given=given, extra=extra)


def _without_limits(params: Mapping[str, Any]) -> tuple[dict[str, Any], list[int]]:
    named = [params[name] for name in TOKEN_LIMIT_NAMES if name in params]
    limits = [each for each in named if type(each) is int and 0 < each < MAX_LIMIT]
    return {name: each for name, each in params.items() if name not in TOKEN_LIMIT_NAMES}, limits

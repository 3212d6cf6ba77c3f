"""The provider that answers a project's tests, and what it was asked."""

import json
import os
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Self
from unittest import mock

from nodewise.testing.loopback_server import JSON, served

Says = str | Mapping[str, Any] | list[Any] | Callable[["Asked"], Any]
DEFAULT_ANSWER = "Fine."
DIMENSIONS = 8  # of its vectors
FAILS, TOOLS = "fails", "tools"
CHARACTERS_PER_TOKEN = 4
# Requests that are repeated come at once, and no test's failures or answers are another's.
CALM = {
    "LLM_RETRY_BASE_DELAY": 0.0, "LLM_COOLDOWN_FAILURES": 0, "LLM_CACHE_ENABLED": False,
}  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """One request: for which node, what it said, and the whole body as it was sent.

    `node` is the node or interaction type; a call that names a model itself is known by that.
    `text` is all that its messages say (of embeddings, all inputs), one after the other.
    """

    node: str
    text: str
    body: JSON

    @property
    def schema(self) -> Any:
        """The JSON schema that the answer had to obey; None where it had none."""
        return self.body.get("response_format", {}).get("json_schema", {}).get("schema")


@dataclass
class _Rule:
    answer: Any
    node: str
    part: str
    kind: str = ""
    left: int | None = None  # how often it still holds; None: always

    def fits(self, asked: Asked) -> bool:
        return self.left != 0 and self.node in {"", asked.node} and self.part in asked.text


class FakeProvider:
    """Answers every call of this process while its block lasts.

    `nodes` are names beside those that it finds by itself: of LLM_NODES_FILE, of the registered
    enrichments, and the interaction types. A call for another name fails as in production.
    `records` has the calls stored in the tables of metrics, as in production; else nothing is.
    """

    def __init__(self, *, nodes: Collection[str] = (), records: bool = False) -> None:
        self.asked: list[Asked] = []
        self._nodes = tuple(nodes)
        self._records = records
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()
        self._active = ExitStack()

    # What it says

    def says(self, answer: Says, *, node: str = "", to: str = "", times: int | None = None) -> Self:
        """Answer with this from now on: a text, a value as JSON, or a function of the `Asked`.

        Only calls of `node`, and those whose messages hold the text `to`, if they are given. What
        was said last goes first; with `times` it holds for so many requests.
        """
        return self._add(_Rule(answer, node, to, left=times))

    def calls_tool(
        self,
        name: str,
        arguments: Mapping[str, Any],
        *,
        node: str = "",
        to: str = "",
        times: int | None = None,
    ) -> Self:
        """Answer with a call of a function; the rest as in `says`."""
        call = {"name": name, "arguments": json.dumps(arguments)}
        return self._add(_Rule(call, node, to, TOOLS, times))

    def fails(
        self, status: int = 500, *, node: str = "", to: str = "", times: int | None = None
    ) -> Self:
        """Answer with this HTTP status, as `says` answers; 429 and 5xx are asked again first."""
        return self._add(_Rule(status, node, to, FAILS, times))

    def _add(self, rule: _Rule) -> Self:
        with self._lock:
            self._rules.insert(0, rule)
        return self

    # What it was asked

    def requests(self, text: str = "", *, node: str = "") -> list[Asked]:
        """The requests so far whose messages hold a text, of one node if it is given."""
        return [each for each in self.asked if text in each.text and node in {"", each.node}]

    def assert_asked(self, text: str = "", *, node: str = "", times: int | None = None) -> Asked:
        """Fail unless there was such a request, exactly `times` if given; returns the last one."""
        found = self.requests(text, node=node)
        if not found or (times is not None and len(found) != times):
            wanted = "" if times is None else f"{times} times "
            raise AssertionError(
                f"Asked {len(found)} times, not {wanted}with {text!r}"
                f"{f' for {node}' if node else ''}. {self._all()}"
            )
        return found[-1]

    def assert_not_asked(self, text: str = "", *, node: str = "") -> None:
        """Fail if there was such a request; without arguments, if there was any."""
        if found := self.requests(text, node=node):
            raise AssertionError(f"Asked {len(found)} times: {found[-1].text[:200]!r}.")

    def _all(self) -> str:
        if not self.asked:
            return "Nothing was asked."
        return "Asked were: " + "; ".join(
            f"{each.node}: {each.text[:100]!r}" for each in self.asked[-10:]
        )

    # Its life

    def __enter__(self) -> Self:
        from django.test import override_settings  # noqa: PLC0415

        from llmconfig import project_settings  # noqa: PLC0415
        from llmconfig.client.recording import recorders  # noqa: PLC0415 - needs Django's settings
        from llmconfig.configuration import snapshot  # noqa: PLC0415
        from nodewise.testing.configuration import pointing_at  # noqa: PLC0415

        with ExitStack() as active:
            url = active.enter_context(served(self._answer))
            calm = {**project_settings.process_values(), **CALM}
            active.enter_context(override_settings(REDIS_URL="", LLM_ENVIRONMENT=calm))
            active.enter_context(mock.patch.dict(os.environ))
            for name in _keys_of_others():
                os.environ.pop(name, None)
            active.enter_context(snapshot.pinned(pointing_at(url, self._nodes)))
            if not self._records:
                active.enter_context(recorders.paused())
            self._active = active.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._active.close()

    def _answer(self, path: str, body: JSON) -> tuple[int, JSON]:
        asked = Asked(str(body.get("model", "")), _text_of(body), body)
        with self._lock:
            self.asked.append(asked)
            rule = next((each for each in self._rules if each.fits(asked)), None)
            if rule is not None and rule.left is not None:
                rule.left -= 1
        if rule is not None and rule.kind == FAILS:
            return rule.answer, _error(f"The fake provider was told to answer {rule.answer}.")
        if path.endswith("/embeddings"):
            return 200, _vectors(body)
        if rule is None and asked.schema is not None:
            return 400, _error(
                f"The fake provider has no answer in the schema of {asked.node}: tell it one by"
                f" says({{…}}, node={asked.node!r})."
            )
        answer = DEFAULT_ANSWER if rule is None else rule.answer
        try:
            return 200, _completion(asked, answer(asked) if callable(answer) else answer, rule)
        except Exception as error:  # noqa: BLE001 - the test's own function
            return 400, _error(f"The test's answer failed: {type(error).__name__}: {error}")


def _keys_of_others() -> Iterator[str]:
    """Variables by which a call could reach a provider that the fake doesn't know of."""
    from llmconfig import provider_types  # noqa: PLC0415

    return (kind.key_variable for kind in provider_types.known() if kind.key_variable)


def _text_of(body: JSON) -> str:
    if "input" in body:
        return "\n".join(map(str, body["input"]))
    return "\n".join(filter(None, map(_said, body.get("messages", []))))


def _said(message: JSON) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "\n".join(str(part.get("text", "")) for part in content)


def _completion(asked: Asked, answer: Any, rule: _Rule | None) -> JSON:
    message: JSON = {"role": "assistant", "content": None}
    if rule is not None and rule.kind == TOOLS:
        call = {"id": "call_1", "type": "function", "function": answer}
        message["tool_calls"] = [call]
    else:
        message["content"] = answer if isinstance(answer, str) else json.dumps(answer)
    finish = "tool_calls" if "tool_calls" in message else "stop"
    return {
        "id": "fake",
        "object": "chat.completion",
        "model": asked.node,
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": _usage(asked.text, message["content"] or ""),
    }


def _usage(question: str, answer: str) -> JSON:
    sizes = [1 + len(text) // CHARACTERS_PER_TOKEN for text in (question, answer)]
    return {
        "prompt_tokens": sizes[0], "completion_tokens": sizes[1], "total_tokens": sum(sizes)
    }  # fmt: skip


def _vectors(body: JSON) -> JSON:
    """The same vector for the same text."""
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": [
                float((sum(map(ord, str(text))) * (place + 1)) % 97) / 97
                for place in range(DIMENSIONS)
            ],
        }
        for index, text in enumerate(body["input"])
    ]
    usage = {"prompt_tokens": len(data), "total_tokens": len(data)}
    return {"object": "list", "data": data, "model": body["model"], "usage": usage}


def _error(text: str) -> JSON:
    return {"error": {"message": text, "type": "fake_provider", "code": "fake_provider"}}

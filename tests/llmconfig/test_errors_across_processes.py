"""Errors cross processes with all that they tell, as pools and spawned workers send them.

An error that can't be read again ends a whole `ProcessPoolExecutor`, as openai 3.52.0's do
(findings/openai_errors_break_a_pool_of_processes.sh).
"""

import pickle
from typing import Any

import pytest

from llmconfig import client
from llmconfig.client.errors import (
    AnswerInvalid,
    BudgetExceeded,
    GenerationExhausted,
    GenerationRefused,
)
from llmconfig.configuration import snapshot
from llmconfig.errors import LLMError
from llmconfig.models import Budget

pytestmark = pytest.mark.django_db(transaction=True)
SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
HOW: list[tuple[type[LLMError], dict[str, Any]]] = [
    (GenerationRefused, {"status": 400}),
    (GenerationExhausted, {"status": 503}),
    (AnswerInvalid, {"garbage": "not_json"}),
]


def in_another_process(error: LLMError) -> LLMError:
    read: LLMError = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    return read


@pytest.mark.parametrize(("kind", "fault"), HOW, ids=[kind.__name__ for kind, _ in HOW])
def test_a_failed_call_tells_another_process_the_same(
    kind: type[LLMError],
    fault: dict[str, Any],
    make_provider: Any,
    make_node: Any,
    simulator: Any,
    ask: Any,
) -> None:
    make_provider()
    make_node("sim/gpt-4o-mini")
    simulator.fail(**fault)
    with pytest.raises(kind) as raised:
        client.generate(ask(schema=SCHEMA))
    error = raised.value
    error.add_note("row 7")
    read = in_another_process(error)
    assert type(read) is kind
    assert (str(read), read.code, vars(read)) == (str(error), error.code, vars(error))
    assert vars(read)["record"].attempts
    assert vars(read)["__notes__"] == ["row 7"]


def test_a_budgets_refusal_does_too(make_provider: Any, make_node: Any, ask: Any) -> None:
    make_provider()
    make_node("sim/gpt-4o-mini")
    Budget.objects.create(name="cap", hard_limit_usd=0)
    snapshot.expire()
    with pytest.raises(BudgetExceeded, match="cap") as raised:
        client.generate(ask())
    read = in_another_process(raised.value)
    assert (str(read), vars(read)) == (str(raised.value), vars(raised.value))
    assert vars(read)["record"] is not None

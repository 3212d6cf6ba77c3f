"""Several answers to one request that has a seed: each gets its own."""

from contextlib import ExitStack
from typing import Any

import pytest

from llmconfig import client as llm_client
from tests.llmconfig.test_choices import HELLO
from tests.loopback import JSON, loopback

pytestmark = pytest.mark.django_db(transaction=True)

SCHEMA = {"type": "object", "properties": {"dog": {"type": "string"}}, "required": ["dog"]}
FORM: Any = {"type": "json_schema", "json_schema": {"name": "dog", "schema": SCHEMA}}
HIGHEST = 2**63 - 1


def by_seed(body: JSON) -> Any:
    """A server that gives one answer, the same for the same seed."""
    said = {"role": "assistant", "content": f'{{"dog": "{body.get("seed")}"}}'}
    choice = {"index": 0, "message": said, "finish_reason": "stop"}
    return 200, {"choices": [choice], "usage": {"prompt_tokens": 9, "completion_tokens": 3}}


@pytest.fixture
def served(make_provider, make_node):
    with ExitStack() as stack:
        provider = stack.enter_context(loopback(by_seed))
        make_provider("p", "custom", model_id="m", api_base_url=provider.url)
        make_node("p/m")
        yield provider


@pytest.mark.parametrize("more", [{}, {"response_format": FORM}])
@pytest.mark.parametrize(
    ("seed", "sent"),
    [(7, [7, 8, 9]), (-1, [-1, -1, -1]), (HIGHEST, [HIGHEST] * 3), (None, [None] * 3)],
)
def test_each_of_n_answers_that_are_asked_one_by_one_has_a_seed(served, more, seed, sent):
    create = llm_client.get_llm("tag_rows").openai().chat.completions.create
    made = create(model="x", messages=HELLO, n=3, temperature=1, seed=seed, **more)
    assert [each.message.content for each in made.choices] == [
        f'{{"dog": "{each}"}}' for each in sent
    ]
    assert sorted(each.get("seed") or 0 for each in served.bodies) == [each or 0 for each in sent]


def test_each_prompt_of_old_completions_has_the_callers_seed_first(served):
    create = llm_client.get_llm("tag_rows").openai().completions.create
    create(model="x", prompt=["One", "Two"], n=2, temperature=1, seed=7)
    asked = sorted((each["messages"][0]["content"], each["seed"]) for each in served.bodies)
    assert asked == [("One", 7), ("One", 8), ("Two", 7), ("Two", 8)]

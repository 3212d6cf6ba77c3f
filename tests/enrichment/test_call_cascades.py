"""Cascades of single calls: at /v1 and in code, with audits that nobody waits for."""

import asyncio
import time
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from enrichment.call_cascades import windows
from enrichment.cascades.promise import catches_borne
from enrichment.cascades.steering import Decided, Phase, Way, from_json, to_json
from enrichment.engine.items import call_for, load_items
from enrichment.enrichments import get
from enrichment.listings.models import Animal
from enrichment.models import CallCascade
from llmconfig import client
from llmconfig.client.types import Call, Generation
from llmconfig.configuration import snapshot
from llmconfig.models import NodeConfiguration, ProviderModel
from llmconfig.runtime.records import replace
from metrics.models import GenerationMetric
from tests.enrichment.test_cascades import NODE
from tests.llmconfig.gateway_server import new_key, running_server
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)
CALLS = 80


def calls() -> list[Call]:
    """What a batch would ask, as single calls."""
    ids = [str(each) for each in Animal.objects.order_by("pk").values_list("pk", flat=True)]
    items = load_items(get(NODE), ids, variant="")
    return [replace(call_for(get(NODE), item, session_id=None), cascades=True) for item in items]


def answers(asked: list[Call]) -> list[Generation]:
    async def all_of_them() -> list[Generation]:
        made: list[Generation] = []
        for at in range(0, len(asked), 10):
            made += await asyncio.gather(*map(client.agenerate, asked[at : at + 10]))
        return made

    return async_to_sync(all_of_them)()


def test_single_calls_keep_good_cheap_answers_once_it_has_learned(
    cascaded,
    simulator,
    make_animals,
):
    simulator.control(errs={"gpt-4o-mini": {"share": 0.05, "telling": 2.5}})
    make_animals(CALLS)
    made = answers(calls())
    kept = [each for each in made if each.cascade.way == "kept"]
    assert {each.record.model for each in kept} == {"gpt-4o-mini"}
    others = [each for each in made if each.cascade.way != "kept"]
    assert {each.record.model for each in others} == {"gpt-4o"}
    assert len(kept) > 10
    until(lambda: from_json(CallCascade.objects.get().state).settled == CALLS)
    row = CallCascade.objects.get()
    assert (row.node, row.kept, row.audits) == (NODE, len(kept), [])
    paid = simulator.stats()["paid"]
    assert paid == CALLS + len(others) == GenerationMetric.objects.count()
    told = GenerationMetric.objects.filter(metadata__cascade="kept")
    assert told.count() == len(kept)
    assert all(float(each.metadata["cascade_score"]) > 0.5 for each in told)
    assert not any(each.tokens for each in made)  # they were for the score


def test_who_names_a_model_or_asks_for_more_than_a_text_gets_the_own_model(
    cascaded,
    make_animals,
):
    make_animals(1)
    (call,) = calls()
    named = client.generate(replace(call, given={"model": "sim/gpt-4o"}))
    assert named.cascade is None
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    with_tools = client.generate(replace(call, extra={"tools": [tool]}))
    assert (with_tools.cascade.way, with_tools.record.model) == ("rests", "gpt-4o")
    assert "tools" in with_tools.cascade.why
    NodeConfiguration.objects.filter(node_name=NODE).update(cascade_score="gates")
    snapshot.expire()
    assert "only an enrichment has gates" in client.generate(call).cascade.why
    assert client.generate(replace(call, cascades=False)).cascade is None


def test_a_cheap_model_that_is_away_costs_nobody_the_answer(
    cascaded,
    simulator,
    make_animals,
):
    make_animals(1)
    simulator.plan({"model": "gpt-4o-mini", "action": {"status": 400}})
    (made,) = answers(calls())
    assert (made.cascade.way, made.record.model) == ("own", "gpt-4o")
    assert not CallCascade.objects.exclude(state__settled=0).exists()


def window_that_keeps(share: float = 0.3, **changed: Any) -> Any:
    facts = snapshot.current().nodes[NODE].cascade
    assert facts is not None
    windows.look(NODE, facts, price=0.1)
    row = CallCascade.objects.get()
    state = replace(
        from_json(row.state), phase=Phase.KEEPING, threshold=0, share=share, rows=300, **changed
    )
    row.state = to_json(state)
    row.save()
    return facts


def test_audits_under_way_count_as_errors_until_they_are_back(cascaded):
    facts = window_that_keeps()
    ways = [windows.decide(NODE, facts, price=0.1, score=0.9) for _ in range(60)]
    audits = [each.audit for each in ways if each.way is Way.AUDIT]
    kept = [each for each in ways if each.way is Way.CHEAP]
    assert audits
    assert kept
    last = max(ways.index(each) for each in kept)
    before = sum(each.way is Way.AUDIT for each in ways[:last])
    # Of 300 calls 30 may differ: so many audits under way are as many errors as end it.
    assert before < catches_borne(30, 0.3)
    assert len(audits) > before
    for audit in audits:
        right = Decided(0.9, Way.AUDIT, agrees=True)
        windows.learn(NODE, facts, right, price=0.1, audit=audit)
    again = [windows.decide(NODE, facts, price=0.1, score=0.9).way for _ in range(20)]
    assert Way.CHEAP in again


def test_an_audit_whose_process_died_is_an_error_that_was_caught(cascaded):
    facts = window_that_keeps(share=0.9)
    verdicts = [windows.decide(NODE, facts, price=0.1, score=0.9) for _ in range(5)]
    audit = next(each.audit for each in verdicts if each.audit)
    row = CallCascade.objects.get()
    row.audits = [[each[0], time.time() - 1_000, each[2]] for each in row.audits]
    waiting = len(row.audits)
    row.save()
    windows.look(NODE, facts, price=0.1)
    row = CallCascade.objects.get()
    assert (row.audits, row.caught) == ([], waiting)
    windows.learn(NODE, facts, Decided(0.9, Way.AUDIT, agrees=True), price=0.1, audit=audit)
    assert CallCascade.objects.get().audited == waiting  # its late answer changes nothing


def test_the_next_window_goes_on_with_what_is_known_and_another_cascade_anew(
    cascaded,
):
    facts = window_that_keeps(settled=300)
    windows.look(NODE, facts, price=0.1)
    row = CallCascade.objects.get()
    assert (row.window, row.state["rows"]) == (2, windows.WINDOW)
    windows.look(NODE, replace(facts, target=0.8), price=0.1)
    row = CallCascade.objects.get()
    assert (row.window, row.state["phase"]) == (3, "learning")


def test_v1_says_what_the_cascade_did(cascaded, simulator):
    for row in ProviderModel.objects.filter(model_id__startswith="gpt-4o"):
        row.prices.all().delete()
        row.prices.create(valid_from="2020-01-01T00:00Z", input_per_1m=1, output_per_1m=1)
    snapshot.expire()
    body = {"model": NODE, "messages": [{"role": "user", "content": "Rex likes to run."}]}
    with running_server() as server, server.client(server.until_known(new_key("c"), NODE)) as http:
        reply = http.post("/v1/chat/completions", json=body)
        assert reply.status_code == 200, reply.text
        assert reply.headers["x-nodewise-cascade"].startswith("own; score=")
        assert reply.headers["x-nodewise-model"] == "sim/gpt-4o"
        streamed = http.post("/v1/chat/completions", json=body | {"stream": True})
        assert "rests; why=Streams" in streamed.headers["x-nodewise-cascade"]
        message = http.post("/v1/messages", json=body | {"max_tokens": 100})
        assert message.headers["x-nodewise-cascade"].startswith("own; score=")
        until(lambda: GenerationMetric.objects.count() == 5)
    record = GenerationMetric.objects.get(correlation_id=reply.headers["x-request-id"])
    assert (record.model_used, record.metadata["cascade"]) == ("gpt-4o", "own")
    cost = sum(each.cost_usd or 0 for each in GenerationMetric.objects.order_by("created_at")[:2])
    assert float(reply.headers["x-nodewise-cost-usd"]) == pytest.approx(float(cost))

"""The playground: a real call by hand, heard line by line."""

import json

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Group, User
from django.test import AsyncClient, Client
from django.urls import reverse
from django.utils import translation

from llmconfig.admin.kit.attempts import attempt_lines
from llmconfig.admin.playground import PlaygroundForm
from llmconfig.configuration import snapshot
from llmconfig.models import LLMConfig, NodeConfiguration
from llmconfig.roles import ensure_roles
from metrics.models import GenerationMetric

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = reverse("admin:llm_playground")
ANSWER = reverse("admin:llm_playground_answer")
HOSTILE = "<script>window.ran = 1</script>"


def person(role):
    ensure_roles()
    user, made = User.objects.get_or_create(username=role, is_staff=True)
    if made:
        user.groups.add(Group.objects.get(name=role))
    return user


def ask(role="operator", **asked):
    """Send the form as `role`; gives the answer with its lines, if any."""
    user = person(role)

    async def send():
        client = AsyncClient()
        await client.aforce_login(user)
        answer = await client.post(ANSWER, {"target": "tag_rows", "message": "Hello", **asked})
        lines = [part async for part in answer] if answer.streaming else []
        return answer, [json.loads(line) for line in b"".join(lines).splitlines()]

    return async_to_sync(send)()


def shown(lines):
    return "".join(line.get("summary", "") for line in lines)


def test_an_answer_comes_in_pieces_with_tokens_cost_and_who_decided(make_provider, make_node):
    make_provider()
    make_node("sim/gpt-4o-mini", default_temperature=0.3)
    answer, lines = ask(max_tokens="200", message="Describe a friendly dog. " * 20)
    assert answer.status_code == 200
    pieces = [line["text"] for line in lines if "text" in line]
    assert len(pieces) > 1
    assert "".join(pieces).strip() == lines[-1]["answer"].strip()
    summary = shown(lines)
    for part in ("sim/gpt-4o-mini", "tokens in", "cost", "answered", "caller", "node"):
        assert part in summary
    stored = GenerationMetric.objects.get()
    assert (stored.service_name, stored.method_name) == ("playground", "tag_rows")
    assert str(stored.correlation_id) in summary


def test_the_same_question_is_asked_anew(make_provider, make_node, simulator):
    make_provider()
    make_node("sim/gpt-4o-mini")
    for _ in range(2):
        ask()
    assert simulator.stats()["paid"] == 2


def test_what_moved_a_call_on_is_told(make_provider, make_node, simulator):
    make_provider("first")
    make_provider("second", model_id="other")
    make_node("first/gpt-4o-mini", "second/other")
    simulator.plan({"model": "gpt-4o-mini", "action": {"status": 401}})
    summary = shown(ask()[1])
    assert "moved on to the next model" in summary
    assert "second/other" in summary


def test_a_failed_call_is_readable_and_recorded(make_provider, make_node, simulator):
    make_provider()
    make_node("sim/gpt-4o-mini")
    simulator.fail(status=401)
    summary = shown(ask()[1])
    assert "the key was refused" in summary
    assert "call ended" in summary
    assert GenerationMetric.objects.get().error_code


def test_switched_off_calls_lead_to_the_switch(make_provider, make_node):
    make_provider()
    make_node("sim/gpt-4o-mini")
    LLMConfig.objects.update(enabled=False)
    snapshot.expire()
    switch = reverse("admin:llmconfig_llmconfig_changelist")
    assert switch in shown(ask("administrator")[1])
    told = shown(ask("operator")[1])
    assert "switched off" in told
    assert switch not in told


def test_an_unknown_target_is_readable(make_provider):
    make_provider()
    summary = shown(ask(target="tag_rwos")[1])
    assert "is no node, interaction type or listed model" in summary


def test_nothing_that_was_sent_or_said_becomes_html(make_provider, make_node, simulator):
    make_provider()
    make_node("sim/gpt-4o-mini")
    simulator.fail(status=400, message=HOSTILE)
    _, lines = ask(message=HOSTILE)
    assert HOSTILE not in shown(lines)
    page = ask(target=HOSTILE)[1]
    assert HOSTILE not in shown(page)


def test_a_schema_is_obeyed_and_a_broken_one_is_told(make_provider, make_node):
    make_provider()
    make_node("sim/gpt-4o-mini")
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    _, lines = ask(schema=json.dumps(schema))
    assert "name" in json.loads(lines[-1]["answer"])
    for broken, complaint in (
        ("{", "not JSON"),
        ("[1]", "A schema is an object"),
        ('{"$ref": "file:///etc/hostname"}', "leads out of the schema"),
        ('{"minItems": 2, "maxItems": 1}', "minItems 2 is above maxItems 1"),
    ):
        answer, _ = ask(schema=broken)
        assert answer.status_code == 400
        assert complaint in json.loads(answer.content)["errors"]["schema"][0]


def test_a_temperature_may_have_a_comma_where_the_reader_writes_one():
    with translation.override("de"):
        form = PlaygroundForm({"target": "responder", "message": "Hallo", "temperature": "0,5"})
        assert form.is_valid(), form.errors
    assert form.cleaned_data["temperature"] == 0.5


def test_wrong_values_are_told_by_field(make_provider):
    make_provider()
    answer, _ = ask(message="", temperature="9", max_tokens="0")
    assert set(json.loads(answer.content)["errors"]) == {"message", "temperature", "max_tokens"}
    assert not GenerationMetric.objects.exists()


def test_only_operators_and_administrators_may_call(make_provider, make_node):
    make_provider()
    make_node("sim/gpt-4o-mini")
    assert ask("viewer")[0].status_code == 403
    client = Client(enforce_csrf_checks=True)
    client.force_login(person("operator"))
    assert client.get(ANSWER).status_code == 405
    assert client.post(ANSWER, {"target": "tag_rows", "message": "Hi"}).status_code == 403
    assert not GenerationMetric.objects.exists()
    viewer = Client()
    viewer.force_login(person("viewer"))
    assert viewer.get(PAGE).status_code == 403
    assert PAGE not in viewer.get(reverse("admin:index")).content.decode()


def test_the_page_offers_what_can_answer(make_provider, make_node):
    make_provider()
    node = make_node("sim/gpt-4o-mini")
    NodeConfiguration.objects.create(node_name="vectors", interaction_type="embeddings")
    snapshot.expire()
    client = Client()
    client.force_login(person("operator"))
    text = client.get(PAGE, {"target": "tag_rows"}).content.decode()
    assert 'value="tag_rows"' in text
    assert 'value="sim/gpt-4o-mini"' in text
    assert 'value="vectors"' not in text
    shown_node = client.get(
        reverse("admin:llmconfig_nodeconfiguration_change", args=[node.pk])
    ).content.decode()
    assert f"{PAGE}?target=tag_rows" in shown_node


def test_an_answer_from_the_cache_is_nothing_wrong():
    (line,) = attempt_lines([{"provider": "sim", "model": "m", "outcome": "cached"}])
    assert (line.good, line.then) == (True, "answered")
    assert line.meaning == "answered from the cache"

"""What a form's changes would have cost, told on its page before they are saved."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from llmconfig.configuration import snapshot
from llmconfig.configuration.resolution import explain
from llmconfig.configuration.revisions import change
from llmconfig.models import GlobalConfig, NodeConfiguration, Revision
from llmconfig.roles import ensure_roles
from metrics import bounded
from metrics.errors import TookTooLong
from tests.llmconfig.forms import address_of, fields_of
from tests.metrics.test_cost_of_changes import called, nodes  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db

AS_PART = {"x-nodewise-part": "cost"}


@pytest.fixture
def row(nodes):  # noqa: F811
    called(200)
    return NodeConfiguration.objects.get(node_name="tag")


def estimate(client, obj, *, headers=AS_PART, **changed):
    page = client.get(address_of(obj))
    address = reverse(f"admin:llmconfig_{obj._meta.model_name}_cost", args=[obj.pk])
    assert address in page.content.decode()
    return client.post(address, fields_of(page) | changed, headers=headers)


def test_a_changed_node_tells_its_cost_and_is_not_saved(row, admin_client):
    revisions = Revision.objects.count()
    said = estimate(admin_client, row, default_model="acme/large").content.decode()
    for part in ("acme/small", "acme/large", "$0.60", "hardly answered here", "Nothing is saved"):
        assert part in said
    assert "<html" not in said
    row.refresh_from_db()
    assert row.default_model == "acme/small"
    assert Revision.objects.count() == revisions
    assert explain("tag", snapshot=snapshot.current()).targets[0].model_id == "small"
    said = estimate(admin_client, row).content.decode()
    assert "no node that was called in the last 30 days would cost otherwise" in said


def test_without_a_script_it_is_a_page(row, admin_client):
    said = estimate(admin_client, row, headers={}, default_model="acme/large").content.decode()
    assert "<html" in said
    assert "acme/large" in said


def test_what_is_wrong_in_the_form_is_said_in_its_place(row, admin_client):
    said = estimate(admin_client, row, default_model="acme/none").content.decode()
    assert "Default model: acme doesn&#x27;t list" in said
    assert "nw-refusal" in said
    with change(source="shell"):
        NodeConfiguration.objects.update(description="Another's.")
    said = estimate(admin_client, row, _seen_revision="1", default_model="acme/large")
    assert "weren&#x27;t saved" in said.content.decode()


def test_all_lines_of_the_settings_count_together(row, admin_client):
    called(100, node="chat")
    with change(source="shell"):
        NodeConfiguration.objects.create(node_name="chat", interaction_type="responder")
        GlobalConfig.objects.create(interaction_type="responder", model="acme/small")
    page = admin_client.get(reverse("admin:llm_settings"))
    forms = [line.form for line in page.context["lines"]]
    fields = {bound.html_name: bound.value() or "" for form in forms for bound in form}
    fields["responder-model"] = "acme/large"
    said = admin_client.post(reverse("admin:llm_settings_cost"), fields, headers=AS_PART)
    assert "<code>chat</code>" in said.content.decode()
    assert "<code>tag</code>" not in said.content.decode()
    assert GlobalConfig.objects.get(interaction_type="responder").model == "acme/small"
    fields["responder-temperature"] = "many"
    said = admin_client.post(reverse("admin:llm_settings_cost"), fields, headers=AS_PART)
    assert "Temperature: Enter a number." in said.content.decode()


def test_who_may_not_change_it_gets_no_estimate(row):
    ensure_roles()
    viewer = User.objects.create_user("vera", is_staff=True)
    viewer.groups.add(Group.objects.get(name="viewer"))
    client = Client()
    client.force_login(viewer)
    address = reverse("admin:llmconfig_nodeconfiguration_cost", args=[row.pk])
    assert "data-cost" not in client.get(address_of(row)).content.decode()
    assert client.post(address, {}).status_code == 403
    assert client.post(reverse("admin:llm_settings_cost"), {}).status_code == 403


def test_too_many_calls_to_wait_for_are_told_so(row, admin_client, monkeypatch):
    monkeypatch.setattr(bounded, "_set", _as_if_ended)
    said = estimate(admin_client, row, default_model="acme/large").content.decode()
    assert "sync_llm_config --check --cost" in said


def _as_if_ended(_value):
    raise TookTooLong("The database was asked for longer than 3000 ms.")

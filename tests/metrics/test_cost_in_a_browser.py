"""*Cost of the change* as a person at a browser has it: the form stays as it was filled in."""

import os

import pytest
from django.contrib.auth.models import User

from llmconfig.models import NodeConfiguration
from tests.browsing import PASSWORD, browse, in_a_browser
from tests.llmconfig.forms import address_of
from tests.metrics.test_cost_of_changes import called, nodes  # noqa: F401 - a fixture


@in_a_browser
@pytest.mark.django_db(transaction=True)
def test_a_person_sees_the_cost_beside_the_form_and_saves_it_then(nodes, live_server):  # noqa: F811
    User.objects.create_superuser("grace", password=PASSWORD)
    called(200)
    row = NodeConfiguration.objects.get(node_name="tag")

    def visit(page):
        page.goto(f"{live_server.url}{address_of(row)}")
        page.fill("[name=default_model]", "acme/large")
        page.click("[data-cost] button")
        page.wait_for_selector("[data-cost-result] table")
        said = page.inner_text("[data-cost-result]")
        assert "acme/small → acme/large" in said
        assert "Nothing is saved yet" in said
        assert page.input_value("[name=default_model]") == "acme/large"
        if shots := os.environ.get("SHOTS"):
            page.screenshot(path=f"{shots}/node.png", full_page=True)
            page.locator("[data-cost]").screenshot(path=f"{shots}/card.png")
        page.fill("[name=default_model]", "acme/none")
        page.click("[data-cost] button")
        page.wait_for_selector("[data-cost-result] [role=alert]")
        page.fill("[name=default_model]", "acme/large")
        page.click("[name=_save]")
        page.wait_for_url(f"{live_server.url}/admin/llmconfig/nodeconfiguration/")

    browse(live_server.url, visit)
    row.refresh_from_db()
    assert row.default_model == "acme/large"

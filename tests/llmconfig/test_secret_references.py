"""What secret references may read, and that they stay with their server."""

import io

import pytest
from django.core.management import call_command
from django.urls import reverse
from rest_framework.test import APIClient

from enrichment.models import FactSource
from llmconfig.configuration import snapshot
from llmconfig.models import Provider
from tests.api import caller
from tests.llmconfig.conftest import CANARY
from tests.llmconfig.forms import fields_of
from tests.llmconfig.test_admin_providers import press, said, signed_in

pytestmark = pytest.mark.django_db(transaction=True)
PROVIDERS = "/api/v1/llm/providers"
SOURCES = "/api/llm/fact-sources"
REFERENCE = "env:LLM_SIM_API_KEY"


@pytest.fixture
def admin() -> APIClient:
    return caller("administrator")


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("env:OPENAI_API_KEY", ""),
        ("env:LLM_LOCAL_API_KEY", ""),
        ("file:/run/secrets/openai", ""),
        ("aws-sm:llm/openai#key", ""),
        ("env:HOME", "LLM_SECRET_REFERENCES"),
        ("env:PATH_LLM_X_API_KEY", "LLM_SECRET_REFERENCES"),
        ("file:/etc/hostname", "LLM_SECRET_REFERENCES"),
        ("file:/run/secrets/../../etc/hostname", "LLM_SECRET_REFERENCES"),
        ("file:/run/secrets/..", "LLM_SECRET_REFERENCES"),
        ("file:/run/secrets/kubernetes.io/serviceaccount/token", "LLM_SECRET_REFERENCES"),
        ("file:/run/secrets/django", "installation itself"),
        ("env:DJANGO_SECRET_KEY", "installation itself"),
        ("env:EMAIL_URL", "installation itself"),
        ("env:AWS_SECRET_ACCESS_KEY", "installation itself"),
        ("env:LLM_TRACING_HEADERS", "installation itself"),
    ],
)
def test_only_what_the_setting_allows_is_taken_as_a_reference(admin, monkeypatch, reference, says):
    monkeypatch.setenv("DJANGO_SECRET_KEY_FILE", "/run/secrets/django")
    answer = admin.post(
        PROVIDERS,
        {"name": "acme", "provider_type": "openai", "secret_ref": reference},
        format="json",
    )
    if not says:
        assert answer.status_code == 201, answer.json()
        return
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == "secret_ref"
    assert says in answer.json()["error"]["message"]


@pytest.mark.parametrize("way", ["env", "file", "link"])
def test_a_stored_reference_that_is_not_allowed_is_never_sent(
    make_provider, simulator, monkeypatch, tmp_path, settings, way
):
    (tmp_path / "mail").write_text(CANARY)
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "link").symlink_to(tmp_path / "mail")
    settings.LLM_SECRET_REFERENCES = [f"file:{tmp_path}/keys/*"]
    monkeypatch.setenv("SOME_SECRET", CANARY)
    reference = {
        "env": "env:SOME_SECRET",
        "file": f"file:{tmp_path}/mail",
        "link": f"file:{tmp_path}/keys/link",
    }[way]
    provider = make_provider(secret_ref=reference)
    page = press(signed_in("operator"), "test", provider)
    assert "LLM_SECRET_REFERENCES" in said(page)
    assert CANARY not in page.content.decode()
    assert simulator.requests == 0


def test_checks_and_health_name_the_rows_whose_reference_is_not_allowed(admin, make_provider):
    make_provider(secret_ref="env:HOME")
    FactSource.objects.create(
        name="breeds",
        url_template="https://x.example/",
        header_name="X-Key",
        secret_ref="file:/etc/hostname",
    )
    told = io.StringIO()
    call_command("check", databases=["default"], stderr=told)
    assert "The provider sim: env:HOME may not be read" in told.getvalue()
    assert "The source of facts breeds: file:/etc/hostname may not be read" in told.getvalue()
    [health] = admin.get("/api/health/llm").json()["provider_details"]
    assert "LLM_SECRET_REFERENCES" in health["problem"]


@pytest.mark.parametrize(
    "moved",
    [
        {"api_base_url": "https://collector.example/v1"},
        {"api_base_url": "http://one.example/v1"},
        {"api_base_url": "https://one.example:8443/v1"},
        {"provider_type": "openrouter"},
    ],
)
def test_a_reference_stays_with_its_server_until_it_is_given_again(admin, moved):
    row = Provider.objects.create(
        name="acme",
        provider_type="openai",
        api_base_url="https://one.example/v1",
        secret_ref=REFERENCE,
    )
    address = f"{PROVIDERS}/{row.pk}"
    refused = admin.patch(address, moved, format="json")
    assert (refused.status_code, refused.json()["error"]["field"]) == (400, "secret_ref")
    again = admin.patch(address, {**moved, "secret_ref": REFERENCE}, format="json")
    assert again.status_code == 200, again.json()


def test_a_form_asks_for_the_reference_again_too(admin):
    row = Provider.objects.create(name="acme", provider_type="openai", secret_ref=REFERENCE)
    snapshot.expire()
    client = signed_in("administrator")
    page = reverse("admin:llmconfig_provider_change", args=[row.pk])
    moved = {"api_base_url": "https://collector.example/v1"}
    for again, field in (("", "secret_ref"), ("env:OPENAI_API_KEY", "reference_again")):
        answer = client.post(page, fields_of(client.get(page)) | moved | {"reference_again": again})
        assert field in answer.context["adminform"].form.errors
    answer = client.post(page, fields_of(client.get(page)) | moved | {"reference_again": REFERENCE})
    assert answer.status_code == 302
    row.refresh_from_db()
    assert row.api_base_url == moved["api_base_url"]


def test_a_source_of_facts_asks_for_its_reference_again(admin):
    made = admin.post(
        SOURCES,
        {
            "name": "breeds",
            "target": "listings.Animal",
            "url_template": "https://one.example/{{breed}}",
            "header_name": "X-Key",
            "secret_ref": REFERENCE,
        },
        format="json",
    )
    assert made.status_code == 201, made.json()
    address = f"{SOURCES}/breeds"
    path = {"url_template": "https://one.example:443/b/{{breed}}"}
    assert admin.patch(address, path, format="json").status_code == 200
    moved = {"url_template": "https://two.example/{{breed}}"}
    refused = admin.patch(address, moved, format="json")
    assert refused.status_code == 400
    assert "enter the reference again" in str(refused.json())
    row = FactSource.objects.get(name="breeds")
    client = signed_in("administrator")
    page = reverse("admin:enrichment_factsource_change", args=[row.pk])
    form = fields_of(client.get(page)) | moved
    assert "secret_ref" in client.post(page, form).context["adminform"].form.errors
    assert client.post(page, form | {"reference_again": REFERENCE}).status_code == 302
    again = {"url_template": "https://three.example/{{breed}}", "secret_ref": REFERENCE}
    assert admin.patch(address, again, format="json").status_code == 200

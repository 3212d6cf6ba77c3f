"""What a wrong request is told: which field, why, and nothing about the inside."""

import json
import logging
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import connection
from rest_framework.test import APIClient

from llmconfig.models import NodeConfiguration, Provider
from tests.api import caller
from tests.database import database_url

pytestmark = pytest.mark.django_db
BASE = "/api/v1/llm"

PROVIDER = {"name": "acme", "provider_type": "openai"}
BAD_BODIES = [
    ("providers", {}, "name"),
    ("providers", {**PROVIDER, "name": "Not A Slug"}, "name"),
    ("providers", {**PROVIDER, "name": "nul\0"}, "name"),
    ("providers", {**PROVIDER, "provider_type": "nobody"}, "provider_type"),
    ("providers", {**PROVIDER, "provider_type": "custom"}, "api_base_url"),
    ("providers", {**PROVIDER, "api_base_url": "https://u:p@e.example"}, "api_base_url"),
    ("providers", {**PROVIDER, "api_base_url": "ftp://e.example"}, "api_base_url"),
    ("providers", {**PROVIDER, "timeout_seconds": -1}, "timeout_seconds"),
    ("providers", {**PROVIDER, "timeout_seconds": "soon"}, "timeout_seconds"),
    ("providers", {**PROVIDER, "priority": 10**9}, "priority"),
    ("providers", {**PROVIDER, "weight": 0}, "weight"),
    ("providers", {**PROVIDER, "secret_ref": "env:DJANGO_SECRET_KEY"}, "secret_ref"),
    ("providers", {**PROVIDER, "api_key": "two words"}, "api_key"),
    ("providers", {**PROVIDER, "key_last4": "abcd"}, "key_last4"),
    ("providers", {**PROVIDER, "key_fingerprint": "x"}, "key_fingerprint"),
    ("providers", {**PROVIDER, "id": "00000000-0000-0000-0000-000000000000"}, "id"),
    ("providers", {**PROVIDER, "validated_at": "2026-01-01"}, "validated_at"),
    ("nodes", {"node_name": "1st"}, "node_name"),
    ("nodes", {"node_name": "n", "default_temperature": 2.1}, "default_temperature"),
    ("nodes", {"node_name": "n", "default_max_tokens": 0}, "default_max_tokens"),
    ("nodes", {"node_name": "n", "default_max_tokens": 10**12}, "default_max_tokens"),
    ("nodes", {"node_name": "n", "interaction_type": "musing"}, "interaction_type"),
    ("nodes", {"node_name": "n", "fallbacks": "gpt-4o"}, "fallbacks"),
    ("nodes", {"node_name": "n", "synced_values": {}}, "synced_values"),
    ("nodes", {"node_name": "n", "description": "half \ud800"}, "description"),
    ("user-configs", {"user": "nobody", "interaction_type": "tools"}, "user"),
    ("user-configs", {"user": "nul\0", "interaction_type": "tools"}, "user"),
    ("user-configs", {"node": "none"}, "node"),
]


@pytest.fixture
def admin() -> APIClient:
    return caller("administrator")


@pytest.mark.parametrize(("address", "body", "field"), BAD_BODIES)
def test_a_bad_body_is_400_and_names_the_field(
    address: str, body: dict[str, Any], field: str, admin: APIClient
) -> None:
    answer = admin.post(f"{BASE}/{address}", json.dumps(body), content_type="application/json")
    assert answer.status_code == 400, answer.content
    error = answer.json()["error"]
    assert error["field"] == field, error
    assert set(error) == {"code", "message", "field"}
    assert error["message"]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b'{"node_name": NaN}', "application/json", 400),
        (b"[]", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"[" * 200_000, "application/json", 400),
        (b"node_name=x", "application/x-www-form-urlencoded", 415),
        (b'{"node_name": "' + b"x" * 10 * 1024 * 1024 + b'"}', "application/json", 413),
    ],
    ids=["cut", "NaN", "list", "no text", "deep", "form", "large"],
)
def test_a_body_that_is_no_object_is_refused(
    body: Any, kind: str, status: int, admin: APIClient
) -> None:
    answer = admin.generic("POST", f"{BASE}/nodes", body, content_type=kind)
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"code", "message", "field"}
    assert not NodeConfiguration.objects.exists()


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=1000000000", "limit"),
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("offset=99999999999999999999999", "offset"),
        ("ordering=password", "ordering"),
        ("interaction_type=musing", "interaction_type"),
    ],
)
def test_a_bad_query_is_400_and_names_the_parameter(
    query: str, field: str, admin: APIClient
) -> None:
    answer = admin.get(f"{BASE}/nodes?{query}")
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)


@pytest.mark.parametrize(
    "address",
    [
        "nothing", "providers/", "providers/7", "nodes/none", "nodes/%00", "nodes/%F0%9F%90%B6",
        "config/%00", "explain/%00", "revisions/999999", "revisions/99999999999999999999",
        "user-configs/99999999999999999999",
        "providers/00000000-0000-0000-0000-000000000000",
        "providers/00000000-0000-0000-0000-000000000000/models",
    ],
)  # fmt: skip
def test_what_is_not_there_is_404_in_the_same_shape(address: str, admin: APIClient) -> None:
    answer = admin.get(f"{BASE}/{address}")
    assert answer.status_code == 404, answer.content
    assert answer.json()["error"]["code"] == "not_found"


def test_a_method_that_is_not_there_is_405(admin: APIClient) -> None:
    answer = admin.put(f"{BASE}/tiers", {}, format="json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")


def test_an_unexpected_error_tells_a_reference_and_logs_the_rest(
    admin: APIClient, caplog: pytest.LogCaptureFixture
) -> None:
    with connection.cursor() as cursor:  # a database that is not as the code expects it
        cursor.execute("DROP VIEW llm_context_windows")
    with caplog.at_level(logging.ERROR):
        answer = admin.get(f"{BASE}/tiers")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (500, "internal")
    assert "llm_context_windows" not in answer.content.decode()
    reference = error["message"].rpartition(" ")[2].strip(".")
    assert reference in caplog.text
    assert "llm_context_windows" in caplog.text


def test_a_session_needs_the_csrf_token() -> None:
    caller("administrator")
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(User.objects.get(username="the-administrator"))
    assert client.get(f"{BASE}/providers").status_code == 200
    answer = client.post(f"{BASE}/providers", PROVIDER, format="json")
    assert answer.status_code == 403
    assert not Provider.objects.filter(name="acme").exists()


def test_a_bad_token_is_401_with_the_way_to_log_in() -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION="Token none")
    answer = client.get(f"{BASE}/providers")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Token"
    assert answer.json()["error"]["code"] == "authentication_failed"


@pytest.mark.django_db(transaction=True)
def test_a_database_that_goes_away_is_503_and_the_next_request_is_served(admin: APIClient) -> None:
    address = f"{BASE}/providers"
    assert admin.get(address).status_code == 200
    with psycopg.connect(database_url(), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
    answer = admin.get(address)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
    connection.close()  # as the end of a request does outside of tests
    assert admin.get(address).status_code == 200

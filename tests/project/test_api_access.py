"""Who may call what: every address, method and role, against a table that must name them all."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from drf_spectacular.generators import SchemaGenerator

from tests.api import ANONYMOUS, caller

pytestmark = pytest.mark.django_db

ROLES = (ANONYMOUS, "nobody", "viewer", "operator", "administrator")
RANK = {role: rank for rank, role in enumerate(ROLES)}
EVERYBODY, VIEWER, OPERATOR, ADMINISTRATOR = (
    ANONYMOUS, "viewer", "operator", "administrator",
)  # fmt: skip
V1, SEED = "/api/v1/llm", "/api/llm"
# Writes that need less than an administrator under /api/v1/llm, and all under /api/llm.
WRITERS = {
    f"{V1}/providers/{{id}}/validate": OPERATOR,
    f"{V1}/cache/clear": OPERATOR,
    f"{V1}/user-configs": VIEWER,  # one's own
    f"{V1}/user-configs/{{id}}": VIEWER,
    f"{SEED}/enrich": OPERATOR,
    f"{SEED}/batch-enrich": OPERATOR,
    f"{SEED}/translate": OPERATOR,
    f"{SEED}/batches": OPERATOR,
    f"{SEED}/batches/forecast": VIEWER,
    f"{SEED}/batches/{{id}}/pause": OPERATOR,
    f"{SEED}/batches/{{id}}/resume": OPERATOR,
    f"{SEED}/batches/{{id}}/cancel": OPERATOR,
    f"{SEED}/batches/{{id}}/retry": OPERATOR,
    f"{SEED}/batches/{{id}}/undo": OPERATOR,
    f"{SEED}/review/{{id}}/accept": OPERATOR,
    f"{SEED}/review/{{id}}/edit": OPERATOR,
    f"{SEED}/review/{{id}}/reject": OPERATOR,
    f"{SEED}/respond": OPERATOR,
    f"{SEED}/evaluations/sets": OPERATOR,
    f"{SEED}/evaluations/runs": OPERATOR,
    f"{SEED}/evaluations/judges": OPERATOR,
    f"{SEED}/evaluations/comparison": OPERATOR,
    f"{SEED}/evaluations/runs/forecast": VIEWER,
    f"{SEED}/evaluations/runs/{{id}}/stop": OPERATOR,
    f"{SEED}/evaluations/runs/{{id}}/continue": OPERATOR,
    f"{SEED}/fact-sources/{{name}}/try": OPERATOR,
    f"{SEED}/fact-sources/{{name}}/refresh": OPERATOR,
    "/api/v1/llm/metrics/calls/{id}/judgement": OPERATOR,
}
READERS = {"/api/health/llm": EVERYBODY}
FILLED = {
    "id": str(uuid4()), "interaction_type": "tools", "node_name": "none", "name": "none",
    "number": "1", "tier": "none",
}  # fmt: skip
NUMBERED = ("/animals/", "/user-configs/", "/review/", "/budgets/", "/prices/")


def operations() -> Iterator[tuple[str, str]]:
    """Every documented address and method; a test below sees that all are documented."""
    schema: Any = SchemaGenerator().get_schema(request=None, public=True)
    for path, methods in sorted(schema["paths"].items()):
        for method in sorted(methods):
            yield path, method


def needed(path: str, method: str) -> str:
    if method == "get":
        return READERS.get(path, VIEWER)
    return WRITERS.get(path, ADMINISTRATOR)


@pytest.mark.parametrize("role", ROLES)
def test_every_address_and_method_asks_for_its_role(role: str) -> None:
    client = caller(role)
    wrong = []
    for path, method in operations():
        ids = {**FILLED, "id": "7"} if any(each in path for each in NUMBERED) else FILLED
        answer = getattr(client, method)(path.format(**ids), {}, format="json")
        allowed = RANK[role] >= RANK[needed(path, method)]
        refused = answer.status_code in {401, 403}
        expected = {401} if role == ANONYMOUS else {403}
        if refused == allowed or (refused and answer.status_code not in expected):
            wrong.append((method, path, answer.status_code))
    assert wrong == []


def test_the_table_names_no_address_that_is_not_there() -> None:
    paths = {path for path, _ in operations()}
    assert {*WRITERS, *READERS} <= paths
    assert len(paths) >= 28


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options"])
@pytest.mark.parametrize("path", [f"{V1}/nothing", f"{SEED}/nothing", f"{V1}/", f"{SEED}/"])
def test_strangers_are_not_told_which_addresses_there_are(path: str, method: str) -> None:
    assert getattr(caller(ANONYMOUS), method)(path).status_code == 401


def test_an_inactive_user_is_nobody() -> None:
    from django.contrib.auth.models import User  # noqa: PLC0415

    client = caller("administrator")
    User.objects.update(is_active=False)
    assert client.get(f"{V1}/providers").status_code == 401


def test_the_schema_has_no_warning(tmp_path: Any) -> None:
    call_command(
        "spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "openapi.yaml")
    )


def test_every_operation_documents_its_errors() -> None:
    schema: Any = SchemaGenerator().get_schema(request=None, public=True)
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            told = set(operation["responses"])
            assert {"401", "403", "500"} <= told, (path, method)
            assert "404" in told or "{" not in path, (path, method)
            assert "400" in told or method not in {"post", "put", "patch"}, (path, method)


def test_the_documentation_asks_for_a_login() -> None:
    stranger = caller(ANONYMOUS)
    page = stranger.get("/docs/api/")
    assert page.status_code == 302
    assert page.headers["Location"] == "/admin/login/?next=/docs/api/"
    assert stranger.get("/docs/api/schema/").status_code == 401
    assert caller("nobody").get("/docs/api/schema/").status_code == 403
    assert caller("viewer").get("/docs/api/schema/").status_code == 200
    shown = caller("viewer").get("/docs/api/")
    assert shown.status_code == 200
    assert b"cdn.jsdelivr" not in shown.content

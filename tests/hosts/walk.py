"""Asks every address of Nodewise in the host's project, as each kind of person; prints JSON.

Run as `python -m tests.hosts.walk` under the host's settings, on an empty database; with `pages`
it opens the pages of the admin alone, also where it has walked before.
"""

import datetime as dt
import json
import re
import sys
from collections.abc import Iterator
from io import StringIO
from typing import Any, cast
from uuid import uuid4

import django

django.setup()

from django.conf import settings  # noqa: E402 - needs Django set up
from django.contrib import admin  # noqa: E402
from django.contrib.auth.models import Group  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import (  # noqa: E402
    URLPattern,
    URLResolver,
    get_resolver,
    get_script_prefix,
    reverse,
)

from llmconfig.models import NodeConfiguration, Provider  # noqa: E402
from llmconfig.roles import group_name  # noqa: E402
from metrics.recording import record_call  # noqa: E402
from tests.hosts.people.models import Person  # noqa: E402
from tests.metrics.calls import TEXTS, a_record  # noqa: E402

KINDS = ("stranger", "customer", "viewer", "operator", "administrator")
METHODS = ("get", "post", "put", "patch", "delete")
SAMPLE = {"uuid": str(uuid4()), "int": "7", "str": "none", "path": "none"}

OPEN = ("healthz", "readyz", "api/health/llm", "v1/models")


def addresses(patterns: Any, before: str = "") -> Iterator[str]:
    """Every address, its parameters filled in."""
    for each in patterns:
        at = before + str(each.pattern).replace("^.*$", "no-such-address")
        if isinstance(each, URLResolver):
            yield from addresses(each.url_patterns, at)
        elif isinstance(each, URLPattern):
            for kind, sample in SAMPLE.items():
                while f"<{kind}:" in at:
                    start = at.index(f"<{kind}:")
                    at = at[:start] + sample + at[at.index(">", start) + 1 :]
            yield f"/{at}"


def person(kind: str) -> Client:
    """A client that is signed in as one of KINDS."""
    client = Client(raise_request_exception=False)
    if kind != "stranger":
        someone = Person.objects.create_user(f"{kind}@museum.example", is_staff=True)
        if kind != "customer":
            someone.groups.add(Group.objects.get(name=group_name(kind)))
        client.force_login(cast("Any", someone))
    return client


def api() -> dict[str, list[Any]]:
    """By kind: [method, address, status] of everything under the prefix."""
    found: dict[str, list[Any]] = {}
    public = ("/models/healthz", "/models/readyz", "/models/api/health/llm", "/models/v1/none")
    under = [each for each in get_resolver().url_patterns if "models/" in str(each.pattern)]
    for kind in KINDS:
        client = person(kind)
        found[kind] = [
            [method, address, answer.status_code, answer.headers.get("Content-Type", "")]
            for address in addresses(under)
            if address not in public
            for method in METHODS
            for answer in (
                getattr(client, method)(address, data="{}", content_type="application/json")
                if method != "get"
                else client.get(address, headers={"accept": "text/html,*/*;q=0.8"}),
            )
        ]
    return found


def admin_pages() -> list[Any]:
    """[address, status, what it names elsewhere] of each page that needs no row, and of some."""
    call_command("seed_llm_config", stdout=StringIO())
    NodeConfiguration.objects.get_or_create(node_name="catalogue")
    client = Client(raise_request_exception=False)
    root = Person.objects.filter(is_superuser=True).first()
    root = root or Person.objects.create_superuser("root@museum.example")
    client.force_login(cast("Any", root))
    pages = [reverse("admin:index"), reverse("admin:llm_settings"), reverse("admin:llm_playground")]
    pages += [reverse("admin:enrichment_review"), reverse("admin:metrics_quality")]
    for model in admin.site._registry:
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        pages += [reverse(f"admin:{name}_changelist"), reverse(f"admin:{name}_add")]
        row = model._default_manager.first()
        if row is not None:
            pages.append(reverse(f"admin:{name}_change", args=[row.pk]))
    # As a server does it: what stands before the project is none of the path that Django looks up.
    before = get_script_prefix()
    answers = {page: client.get(f"/{page.removeprefix(before)}") for page in pages}
    return [
        [page, answer.status_code, beside(answer.content.decode(), before)]
        for page, answer in answers.items()
    ]


def beside(page: str, before: str) -> list[str]:
    """What a page names that isn't below the project's own prefix."""
    named = re.findall(r'\b(?:href|action|formaction|src|data-[a-z]+)="(/[^"]*)"', page)
    return sorted({each for each in named if not each.startswith(before)})


def stored_key() -> list[Any]:
    """What the API answers to a provider's key, and what the table then holds."""
    client = Client()
    client.force_login(cast("Any", Person.objects.get(email="administrator@museum.example")))
    body = {"name": "mine", "provider_type": "openai", "api_key": "sk-in-clear-0123456789"}
    answer = client.post("/models/api/v1/llm/providers", body, content_type="application/json")
    return [answer.status_code, answer.json(), list(Provider.objects.values_list("api_key"))]


def people_of_calls() -> dict[str, Any]:
    """Whom the API says that a call was made for; the two are a UUID and its text."""
    someone = Person.objects.get(email="administrator@museum.example")
    record_call(a_record(user_id=someone.pk), TEXTS)
    record_call(a_record(user_id=None), TEXTS)
    client = Client()
    client.force_login(cast("Any", someone))
    # Today may not have begun yet in the host's zone.
    day = (dt.datetime.now(dt.UTC) - dt.timedelta(days=1)).date().isoformat()
    asked = {"since": day, "by": "user"}
    address = "/models/api/v1/llm/metrics/"
    found = {
        "sums": client.get(address + "breakdown", asked).json(),
        "his": client.get(address + "calls", {"since": day, "user": str(someone.pk)}).json(),
        "nobodys": client.get(address + "calls", {"since": day, "user": str(uuid4())}).json(),
    }
    return {"key": str(someone.pk), **found}


if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    pages_alone = "pages" in sys.argv[1:]
    said: dict[str, Any] = {
        **({} if pages_alone else {"api": api(), "key": stored_key(), "people": people_of_calls()}),
        "admin": admin_pages(),
        "own_admins": sorted(
            f"{type(each).__module__}.{type(each).__qualname__}"
            for model, each in admin.site._registry.items()
            if model._meta.app_label in {"auth", "authtoken"}
        ),
        "groups": sorted(Group.objects.values_list("name", flat=True)),
        "debug": settings.DEBUG,
        "open": {at: Client().get(f"/models/{at}").status_code for at in OPEN},
    }
    json.dump(said, sys.stdout)

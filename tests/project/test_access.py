"""Administrators manage people and roles, never beyond their own; viewers see no buttons."""

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import translation

from enrichment.listings.models import Animal, Organization
from llmconfig.roles import ensure_roles, group_name
from tests.metrics.test_calls_page import signed_in

pytestmark = pytest.mark.django_db

ADD = reverse("admin:auth_user_add")
# What everybody with a role may send: a view of calls for oneself, and the way out.
FOR_ALL = ("logout", "/views/", "setlang", "password_change")


@pytest.fixture
def administrator():
    ensure_roles()
    return signed_in("ada", "administrator")


def person(name, **more):
    return {"username": name, "is_active": "on", "is_staff": "on", "_seen_revision": "0",
            "date_joined_0": "2031-01-01", "date_joined_1": "00:00:00", **more}  # fmt: skip


def test_an_administrator_makes_a_person_and_gives_a_role_who_then_signs_in(administrator):
    made = {"username": "vera", "password1": "a-long-password", "password2": "a-long-password",
            "usable_password": "true", "_seen_revision": "0"}  # fmt: skip
    assert administrator.post(ADD, made).status_code == 302
    vera = User.objects.get(username="vera")
    page = reverse("admin:auth_user_change", args=[vera.pk])
    outside = Group.objects.create(name="treasurers")
    offered = administrator.get(page).content.decode()
    assert "treasurers" not in offered
    viewer = Group.objects.get(name=group_name("viewer"))
    vera.groups.add(outside)
    sent = person("vera", groups=[viewer.pk], is_superuser="on")
    sent["_seen_revision"] = administrator.get(page).context["seen_revision"]
    assert administrator.post(page, sent).status_code == 302
    vera.refresh_from_db()
    assert not vera.is_superuser
    assert set(vera.groups.all()) == {viewer, outside}
    client = Client()
    client.post("/admin/login/", {"username": "vera", "password": "a-long-password"})
    assert client.get(reverse("admin:metrics_generationmetric_changelist")).status_code == 200


def test_an_administrator_changes_no_superuser_nor_their_password(administrator):
    root = User.objects.create_superuser("root", password="a-long-password")
    page = reverse("admin:auth_user_change", args=[root.pk])
    assert administrator.post(page, person("root", is_active="")).status_code == 403
    password = reverse("admin:auth_user_password_change", args=[root.pk])
    assert administrator.get(password).status_code == 403
    outside = Group.objects.create(name="treasurers")
    given = administrator.post(
        reverse("admin:auth_group_change", args=[outside.pk]), {"name": "mine"}
    )
    assert given.status_code == 403
    root.refresh_from_db()
    assert root.is_active


def test_viewers_see_no_buttons():
    ensure_roles()
    viewer = signed_in("vera", "viewer")
    rescue = Organization.objects.create(external_id="r", slug="r", name="Rescue")
    Animal.objects.create(external_id="1", name="Rex", description="A dog.", organization=rescue)
    found: dict[str, list[str]] = {}
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
        answer = viewer.get(reverse(name))
        if answer.status_code == 200:
            found |= _buttons(name, answer)
    for name in ("llm_settings", "llm_health", "enrichment_review", "metrics_spending", "index"):
        try:
            found |= _buttons(name, viewer.get(reverse(f"admin:{name}")))
        except NoReverseMatch:
            pytest.fail(f"There is no page {name}.")
    assert found == {}


def _buttons(name, answer):
    """Buttons of forms that change something, and links to such forms, by the page."""
    forms = re.findall(
        r"<form[^>]*method=\"post\".*?</form>", answer.content.decode(), re.DOTALL | re.IGNORECASE
    )
    wrong = [
        form[:200]
        for form in forms
        if re.search(r"<button|type=\"submit\"", form) and not any(each in form for each in FOR_ALL)
    ]
    wrong += re.findall(r'href="[^"]*/add/[^"]*"', answer.content.decode())
    return {name: wrong} if wrong else {}


@translation.override("en")  # what a page activates stays otherwise
def test_permissions_and_their_two_lists_are_in_the_readers_language():
    ensure_roles()
    client = signed_in("ada", is_superuser=True)
    client.cookies["django_language"] = "de"
    role = Group.objects.get(name=group_name("viewer"))
    page = client.get(reverse("admin:auth_group_change", args=[role.pk])).content.decode()
    assert "Organisation | Darf ansehen" in page
    assert "Darf Antworten beurteilen" in page
    assert "Can " not in page
    assert "Markierte %s" in client.get(reverse("admin:jsi18n")).content.decode()

"""What strangers can't do: fill the disk, guess passwords, use a login twice, hold a request."""

import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from project.embedded.demo.login import make_link
from tests.llmconfig.gateway_server import new_key, shared_server

MB = 1024 * 1024


@pytest.fixture(scope="module")
def server(django_db_setup, django_db_blocker):
    with shared_server() as running:
        yield running


def memory_mb(server):
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def pieces(megabytes):
    return (b"x" * MB for _ in range(megabytes))


def declared(server, path, *headers):
    """The status of a request that says it has 400 MB and sends none of them."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as wire:
        head = (f"POST {path} HTTP/1.1", f"Host: {host}", "Content-Length: 400000000", *headers)
        wire.sendall("\r\n".join((*head, "", "")).encode())
        return int(wire.recv(1000).split()[1])


@pytest.mark.django_db(transaction=True)
def test_bodies_are_refused_before_they_are_read(server):
    form = "Content-Type: application/x-www-form-urlencoded"
    assert declared(server, "/admin/login/", form) == 413
    assert declared(server, "/api/v1/llm/providers", "Authorization: Token 0123") == 413
    assert declared(server, "/v1/chat/completions") == 401
    with server.client("") as client:
        headers = {"content-type": form.partition(": ")[2]}
        assert client.post("/admin/login/", headers=headers, content=pieces(3)).status_code == 413
        assert client.get("/healthz").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_eight_large_bodies_take_turns(server):
    key = server.until_known(new_key())
    before = memory_mb(server)
    text = "x" * (31 * MB)
    body = json.dumps({"model": "no-such", "messages": [{"role": "user", "content": text}]})

    def post(_):
        with server.client(key) as client:
            return client.post("/v1/chat/completions", content=body.encode(), timeout=120)

    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(post, range(8)))
    assert {each.status_code for each in replies} <= {403, 404, 503}
    assert memory_mb(server) - before < 400


@pytest.mark.django_db
def test_logins_wait_by_account_and_by_address(settings):
    User.objects.create_superuser("ada", password="right-password")
    User.objects.create_superuser("grace", password="right-password")

    def log_in(name, password, address):
        form = {"username": name, "password": password}
        return Client(REMOTE_ADDR=address).post("/admin/login/?next=/admin/", form).status_code

    assert log_in("ada", "right-password", "10.0.0.1") == 302
    for at in range(settings.AXES_FAILURE_LIMIT):
        log_in("ada", "wrong", f"10.0.1.{at}")
    assert log_in("ada", "right-password", "10.0.0.1") == 429
    assert log_in("grace", "right-password", "10.0.0.1") == 302
    for at in range(settings.AXES_FAILURE_LIMIT):
        log_in(f"nobody-{at}", "wrong", "10.0.0.9")
    assert log_in("grace", "right-password", "10.0.0.9") == 429
    assert log_in("grace", "right-password", "10.0.0.1") == 302


@pytest.mark.django_db(transaction=True)
def test_the_demo_s_login_works_once_also_at_the_same_moment():
    path = make_link("")
    together = Barrier(6)

    def use(_):
        together.wait()
        try:
            return Client().get(path).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(use, range(6))) == [302, 404, 404, 404, 404, 404]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/admin/login/", "/healthz", "/docs/api/", "/api/health/llm"])
def test_every_answer_says_what_a_page_may_do(path):
    headers = Client().get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert "'unsafe-inline'" not in policy["script-src"]
    assert policy["frame-ancestors"] == policy["object-src"] == "'none'"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]


@pytest.mark.django_db
def test_no_page_of_ours_has_a_script_inline(admin_client):
    for path in ("/admin/", "/docs/api/", "/admin/llmconfig/provider/add/"):
        page = admin_client.get(path).content.decode()
        scripts = [part.partition(">")[0] for part in page.split("<script")[1:]]
        assert scripts
        inline = [each for each in scripts if "src=" not in each and "application/json" not in each]
        assert inline == []
        assert re.findall(r"\son[a-z]+=", page) == []  # handlers, which the policy forbids too

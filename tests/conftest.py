"""What all tests share: no connection leaves this machine, and the snapshot starts empty."""

import asyncio
import gc
import ipaddress
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpcore2
import pytest
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db.backends.signals import connection_created
from django.dispatch import receiver
from hypothesis import HealthCheck
from hypothesis import settings as property_settings
from redis import Redis

from llmconfig.client.http import background_loop
from llmconfig.client.traffic import cooldown, rate_limits, redis_connection, response_cache
from llmconfig.configuration import snapshot
from tests import browsing, clearing, copied_databases

clearing.clear_quickly()
# Django's own tests see to the strength of its hashes, which takes 0.3 s for each.
PBKDF2PasswordHasher.iterations = 1000
# A busy machine is no fault of what a property test tries, and a run shall not fail by chance: the
# examples are the same each time. `--hypothesis-profile=default` looks for others.
property_settings.register_profile(
    "any machine", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
property_settings.load_profile("any machine")
# Or each client of an SDK would read all of the system's certificates anew, which takes 24 ms.
httpcore2.default_ssl_context = cache(httpcore2.default_ssl_context)
# Or each test's client would list all static files.
settings.WHITENOISE_AUTOREFRESH = True
# A query that waits for a busy machine has not asked for too much.
settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_CALLS_QUERY_MS": 60_000}

_real_connect = socket.socket.connect
_real_connect_ex = socket.socket.connect_ex


def _refuse_elsewhere(family: int, address: Any) -> None:
    if family not in {socket.AF_INET, socket.AF_INET6}:
        return
    host = str(address[0])
    try:
        near = ipaddress.ip_address(host).is_loopback
    except ValueError:
        near = host == "localhost"
    if not near:
        raise AssertionError(f"A test tried to reach {host}; tests reach loopback only.")


def _guarded_connect(self: socket.socket, address: Any) -> None:
    _refuse_elsewhere(self.family, address)
    _real_connect(self, address)


def _guarded_connect_ex(self: socket.socket, address: Any) -> int:
    _refuse_elsewhere(self.family, address)
    return _real_connect_ex(self, address)


@pytest.fixture(autouse=True, scope="session")
def loopback_only() -> Iterator[None]:
    """Refuses every connection of this process that leaves the machine."""
    socket.socket.connect = _guarded_connect  # type: ignore[method-assign,assignment]
    socket.socket.connect_ex = _guarded_connect_ex  # type: ignore[method-assign,assignment]
    yield
    socket.socket.connect = _real_connect  # type: ignore[method-assign]
    socket.socket.connect_ex = _real_connect_ex  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings: None,
    django_db_keepdb: bool,
    django_db_blocker: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Several workers' databases are migrated once."""
    if "PYTEST_XDIST_WORKER" in os.environ and not django_db_keepdb:
        with django_db_blocker.unblock():
            copied_databases.use_template(tmp_path_factory.getbasetemp().parent)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End what tests share; the controller drops the template after all workers."""
    browsing.close()
    if session.config.getoption("dist", "no") != "no" and not hasattr(
        session.config, "workerinput"
    ):
        copied_databases.drop_template()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """Nobody is left in the test database when it is to be dropped."""
    yield
    clearing.close()


@receiver(connection_created)
def outlast_deadlocks(connection: Any, **_: Any) -> None:
    """Clearing the tables after a test may meet a server that still writes: that one gives way."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('deadlock_timeout', '20s', false) FROM pg_roles"
            " WHERE rolname = current_user AND rolsuper"
        )


# A worker that begins one of these at the end is waited for by the others.
LONG = {"test_controls", "test_storm", "test_wheel", "test_benchmarks", "test_embedded"}


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[None]:
    """Each worker first imports a share of the tests: in a fresh clone not all compile all."""
    root = Path(__file__).parent
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if workers > 1 and root.name in session.config.args:
        number = int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw"))
        for path in sorted(root.rglob("test_*.py"))[number::workers]:
            with suppress(Exception, pytest.skip.Exception):  # told when it is collected
                import_module(".".join(path.relative_to(root.parent).with_suffix("").parts))
    return (yield)


def pytest_collection_finish() -> None:
    """What all was imported and collected is looked through no more: a tenth of the time."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Function]) -> Iterator[None]:
    """Tests of a module that share a server or a database share a worker; long ones come first."""
    for item in items:
        known = item._fixtureinfo.name2fixturedefs.values()
        if any(each.scope == "module" for fixtures in known for each in fixtures):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
    yield
    items.sort(key=lambda item: item.path.stem not in LONG)


def _leave_other_servers() -> None:
    """A test at another address may have been the first whose calls opened a client."""
    port = urlsplit(settings.REDIS_URL).port
    for opened in list(redis_connection._clients.values()):
        if opened.client.connection_pool.connection_kwargs.get("port") != port:
            background_loop.run(redis_connection.aclose())


# One connection for all tests.
_broker = cache(Redis.from_url)


async def _empty_redis_between_exchanges() -> None:
    """While this loop is at it, none of its limiters asks: an answer would bring old marks back.

    What a test's last failure tells of a cool-down may still be under way, or not have begun.
    """
    here = asyncio.get_running_loop()
    while telling := [each for each in cooldown._cooldowns.tasks if each.get_loop() is here]:
        await asyncio.wait(telling)
    opened = redis_connection._clients.find()
    while opened is not None and opened.client.connection_pool._in_use_connections:  # noqa: ASYNC110
        await asyncio.sleep(0.001)  # the pool has no event that says so
    _empty_redis()


def _empty_redis() -> None:
    cooldown.forget()
    rate_limits.forget_marks()  # or a window that is flushed here would count as lost
    _broker(settings.REDIS_URL).flushdb()


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    """No test's failures, limits or answers are another's."""
    response_cache.forget()  # first, or it would still be told to Redis after that
    _leave_other_servers()
    if list(redis_connection._clients.values()):
        background_loop.run(_empty_redis_between_exchanges())
    else:
        _empty_redis()


@pytest.fixture
def known_configuration(db: None) -> Iterator[None]:
    """For tests that count queries, or whose threads don't see the tables: it isn't read anew."""
    with snapshot.pinned(snapshot.current()):
        yield


@pytest.fixture(autouse=True)
def fresh_snapshot() -> Iterator[None]:
    """Each test sees its own database's configuration, also where reading it takes long."""
    snapshot.expire()
    snapshot._holder.snapshot = None
    yield
    snapshot.expire()

"""Whether the process can work, and whether the configuration can answer calls.

None of these makes a call to a provider. Strangers get words, not details.
"""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from llmconfig import project_settings
from llmconfig.api.kit.documentation import extend_schema
from llmconfig.api.kit.endpoints import Endpoint
from llmconfig.api.resolving import FindingSerializer
from llmconfig.configuration import snapshot
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.diagnostics.validation import findings, key_problem
from llmconfig.roles import rank_of
from nodewise import broker, surroundings
from nodewise.broker import BrokerLost
from nodewise.liveness import OK

logger = logging.getLogger(__name__)

ASK_SECONDS = 3.0  # for all parts together; a database that hangs holds no request longer
MAX_OPEN = 4  # questions to each part that wait for an answer at a time
UNREACHABLE = "unreachable"
Answer = TypeVar("Answer", bound=HttpResponse)


def readyz(request: HttpRequest) -> JsonResponse:
    """200 when database and broker answer, else 503 that says which does not.

    A project without REDIS_URL has no broker of ours to ask. `warnings`, where there are any, are
    words of `nodewise.surroundings`.
    """
    until = time.monotonic() + ASK_SECONDS
    asked = {
        name: _ask(name, question, until)
        for name, question in _PARTS.items()
        if name != "broker" or project_settings.names_redis()
    }
    parts = {name: _state(name, answer, until) for name, answer in asked.items()}
    ready = all(state == OK for state in parts.values())
    told = _warnings(until) if ready else []
    warnings = {"warnings": told} if told else {}
    status = 200 if ready else 503
    return _told(
        JsonResponse({"status": OK if ready else "unavailable", **parts, **warnings}, status=status)
    )


def _told(answer: Answer) -> Answer:
    """An answer that Django doesn't log as an error of the server: probes ask every few seconds."""
    answer._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001 - Django's own mark
    return answer


def _ask(name: str, question: Callable[[], Any], until: float) -> Future[Any]:
    """Ask in a thread that holds up neither a request nor the end of the process.

    `until` is the monotonic time by which it has to get its place.
    """
    answer: Future[Any] = Future()
    place = _places[name]
    if not place.acquire(timeout=max(0.0, until - time.monotonic())):
        answer.set_exception(TimeoutError("Earlier questions still wait for an answer."))
        return answer

    def run() -> None:
        try:
            answer.set_result(question())
        except Exception as error:  # noqa: BLE001 - who asked reads it
            answer.set_exception(error)
        finally:
            connection.close()  # this thread's own
            place.release()

    threading.Thread(target=run, name=f"readyz-{name}", daemon=True).start()
    return answer


def _state(name: str, answer: Future[Any], until: float) -> str:
    try:
        answer.result(timeout=max(0.0, until - time.monotonic()))
    except TimeoutError:
        logger.warning("Not ready: no answer from the %s in time.", name)
        return UNREACHABLE
    except (DatabaseError, BrokerLost, OSError, ValueError) as error:
        logger.warning("Not ready: %s", error)
        return UNREACHABLE
    return OK


def _warnings(until: float) -> list[str]:
    """What the surroundings should be set to and aren't; nothing where they don't say in time."""
    try:
        told = _ask(SURROUNDINGS, surroundings.complaints, until)
        return list(told.result(timeout=max(0.0, until - time.monotonic())))
    except TimeoutError:
        return []


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _ask_broker() -> None:
    with broker.opened() as opened:
        opened.ping()


_PARTS = {"database": _ask_database, "broker": _ask_broker}
SURROUNDINGS = "surroundings"
_places = {name: threading.BoundedSemaphore(MAX_OPEN) for name in (*_PARTS, SURROUNDINGS)}


class ProviderHealthSerializer(serializers.Serializer[Any]):
    """An enabled provider, whether its key can be read, and its problem."""

    name = serializers.CharField()
    key_readable = serializers.BooleanField()
    problem = serializers.CharField(allow_blank=True)


class LLMHealthSerializer(serializers.Serializer[Any]):
    """Whether calls can be answered. Without a login only the words."""

    status = serializers.CharField(help_text="ok, degraded, disabled or unavailable.")
    switch = serializers.CharField(help_text="on or off.")
    providers = serializers.CharField(help_text="ok, degraded or none.")
    nodes = serializers.CharField(help_text="ok or degraded.")
    revision = serializers.IntegerField(required=False)
    provider_details = ProviderHealthSerializer(many=True, required=False)
    unresolved = FindingSerializer(many=True, required=False)


class LLMHealth(Endpoint):
    """Says whether calls can be answered, for load balancers and for people."""

    permission_classes = [AllowAny]

    @extend_schema(responses={200: LLMHealthSerializer, 503: LLMHealthSerializer})
    def get(self, request: Request) -> Response:
        """Read switch, keys and resolutions; 503 when no call can be answered."""
        try:
            state = snapshot.current()
        except DatabaseError:
            logger.warning("The configuration can't be read.", exc_info=True)
            return _told(Response({"status": "unavailable"}, status=503))
        body = _health(state)
        if not rank_of(request.user):
            body = {name: body[name] for name in ("status", "switch", "providers", "nodes")}
        answers = body["status"] in {"ok", "degraded"}
        status = 200 if answers else 503
        return _told(Response(LLMHealthSerializer(body).data, status=status))


def _health(state: Snapshot) -> dict[str, Any]:
    enabled = bool(state.processing.get("enabled"))
    providers = [
        {"name": each.name, "key_readable": not problem, "problem": problem}
        for each in state.providers.values()
        if each.is_enabled
        for problem in (key_problem(each),)
    ]
    readable = [each["key_readable"] for each in providers]
    unresolved = [each for each in findings(state) if not each.target]
    if not enabled:
        status = "disabled"
    elif not any(readable):
        status = "unavailable"
    else:
        status = "degraded" if unresolved or not all(readable) else "ok"
    return {
        "status": status,
        "switch": "on" if enabled else "off",
        "providers": "none" if not any(readable) else "ok" if all(readable) else "degraded",
        "nodes": "degraded" if unresolved else "ok",
        "revision": state.revision,
        "provider_details": providers,
        "unresolved": unresolved,
    }

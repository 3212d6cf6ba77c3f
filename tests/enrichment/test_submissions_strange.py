"""Providers whose batches answer what no reference knows: each costs itself, and nobody else."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from django.utils import timezone

from enrichment.batches import creation
from enrichment.batches.creation import Selection
from enrichment.batches.progress import progress_of
from enrichment.engine import submissions
from enrichment.engine.lanes import run_lane
from enrichment.models import ProviderBatchSubmission
from llmconfig.configuration import snapshot
from llmconfig.models import LLMConfig, NodeConfiguration
from tests.enrichment.provider_batches import AT_ONCE, AT_PROVIDER
from tests.loopback import BusyServer, answered

pytestmark = pytest.mark.django_db(transaction=True)

JSON = dict[str, Any]
Spoil = Callable[[JSON], Any]


@dataclass
class Stand:
    """OpenAI's files and batches; the first batch is spoilt, by what a test says."""

    url: str = ""
    made: Spoil = lambda batch: batch
    polled: Spoil = lambda batch: batch
    line: Spoil = lambda line: line
    page: bytes = b""  # in place of results
    status: int = 200  # of a poll
    batches: list[JSON] = field(default_factory=list)
    asked: list[bytes] = field(default_factory=list)
    live: int = 0
    forgets: bool = False  # lists batches without their metadata, and fails after making the first
    names: list[str] | None = None  # of the files; None where nobody may ask

    def posted(self, path: str, raw: bytes) -> tuple[int, str, bytes]:
        if path == "/v1/chat/completions":
            self.live += 1
            return _json(answered("It is live and well."))
        if path == "/v1/files":
            if self.names is not None:
                self.names.append(re.search(rb'filename="([^"]+)"', raw)[1].decode())
            self.asked.append(re.split(rb"\r\n\r\n", raw)[-1].partition(b"\r\n--")[0])
            return _json({"id": f"file-{len(self.asked) - 1}", "object": "file"})
        return self._make(json.loads(raw))

    def got(self, path: str) -> tuple[int, str, bytes]:
        if path.startswith("/v1/batches?"):
            listed = [{**each, "metadata": None} for each in self.batches if self.forgets]
            return _json({"object": "list", "data": listed[::-1], "has_more": False})
        if named := re.fullmatch(r"/v1/files/file-(\d+)", path):
            if self.names is None:
                return _json({"error": {"message": "No such route."}}, 404)
            known = {"id": path, "object": "file", "filename": self.names[int(named[1])]}
            return _json(known)
        number = int(path.split("_")[1].split("/", maxsplit=1)[0])
        if "/files/" in path:
            return self._results(number)
        batch = {**self.batches[number], "status": "completed", "output_file_id": f"f_{number}"}
        spoilt = self.polled(batch) if number == 0 else batch
        status = self.status if number == 0 else 200
        if isinstance(spoilt, bytes):
            return status, "text/html", spoilt
        return _json(spoilt, status)

    def _make(self, asked: JSON) -> tuple[int, str, bytes]:
        number = len(self.batches)
        batch = {
            "id": f"batch_{number}", "object": "batch", "endpoint": "/v1/chat/completions",
            "input_file_id": asked["input_file_id"], "completion_window": "24h",
            "status": "validating", "created_at": int(timezone.now().timestamp()),
            "metadata": asked["metadata"],
        }  # fmt: skip
        self.batches.append(batch)
        if self.forgets and number == 0:
            return _json({"error": {"message": "Upstream timed out."}}, 504)
        return _json(self.made(batch) if number == 0 else batch)

    def _results(self, number: int) -> tuple[int, str, bytes]:
        if number == 0 and self.page:
            return 200, "text/html; charset=utf-8", self.page
        lines = []
        for asked in self.asked[number].splitlines():
            body = answered("It likes to run and play ball.")
            line: Any = {"custom_id": json.loads(asked)["custom_id"], "error": None,
                         "response": {"status_code": 200, "body": body}}  # fmt: skip
            line = self.line(line) if number == 0 else line
            lines.append(line if isinstance(line, bytes) else json.dumps(line).encode())
        return 200, "application/octet-stream", b"\n".join(lines)


def _json(value: Any, status: int = 200) -> tuple[int, str, bytes]:
    return status, "application/json", json.dumps(value).encode()


@pytest.fixture
def stand(make_provider: Any) -> Iterator[Stand]:
    stand = Stand()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            self._say(*stand.got(self.path))

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            self._say(*stand.posted(self.path, raw))

        def _say(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = BusyServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    make_provider("strange", "openai", api_base_url=f"http://127.0.0.1:{server.server_port}/v1")
    for name in ("description_cleaning", "translation"):
        NodeConfiguration.objects.create(
            node_name=name, interaction_type="enricher", default_model="strange/gpt-4o-mini"
        )
    LLMConfig.objects.filter(pk=1).update(retry_delay=0, max_retries=0)
    snapshot.expire()
    yield stand
    server.shutdown()
    server.server_close()


def both(make_animals: Any) -> tuple[Any, Any]:
    """A batch at the provider that is spoilt and one beside it, after some rounds."""
    make_animals(2)
    spoilt = creation.create("description_cleaning", Selection(), terms=AT_PROVIDER)
    beside = creation.create("translation", Selection(variants=("es",)), terms=AT_PROVIDER)
    for _ in range(3):
        submissions.advance(settle=AT_ONCE)
        run_lane(spoilt.pk)
        run_lane(beside.pk)
    assert progress_of(beside.pk).status == "completed"
    return spoilt, ProviderBatchSubmission.objects.get(chunk__batch=spoilt)


@pytest.mark.parametrize("given", [None, "b" * 300, "b\0", 7])
def test_a_batch_without_a_usable_id_is_not_handed_over_again_and_again(stand, make_animals, given):
    stand.made = lambda batch: {**batch, "id": given}
    spoilt, submission = both(make_animals)
    at = progress_of(spoilt.pk)
    assert (at.status, submission.state, stand.live) == ("paused", "failed", 0)
    assert "may have billed them already" in at.reason
    assert len(stand.batches) == 2


STRANGE_POLLS: tuple[tuple[Spoil, int, str, str], ...] = (
    (lambda one: {**one, "status": "failed", "errors": "No\0 room."}, 200, "failed", "room."),
    (lambda one: {**one, "status": "failed", "errors": ["Odd."]}, 200, "failed", "Odd."),
    (lambda one: {**one, "status": "failed", "errors": {"data": [{"code": 5}, None]}}, 200,
     "failed", "refused it as a whole"),
    (lambda _: {"error": {"message": "a\0b\ud800" + "c" * 100_000}}, 500, "submitted", "cccc"),
    (lambda _: b"<html>busy</html>", 200, "submitted", "It waits"),
    (lambda _: None, 200, "submitted", "It waits"),
    (lambda one: {**one, "status": 5}, 200, "submitted", ""),
    (lambda one: {**one, "request_counts": {"completed": "two"}}, 200, "applied", ""),
    (lambda one: {**one, "error_file_id": 5}, 200, "applied", ""),
)  # fmt: skip


@pytest.mark.parametrize(("polled", "status", "state", "said"), STRANGE_POLLS)
def test_a_strange_state_is_told_and_holds_up_no_other_batch(
    stand, make_animals, polled, status, state, said
):
    stand.polled, stand.status = polled, status
    _, submission = both(make_animals)
    assert submission.state == state, submission.detail
    assert said in submission.detail
    assert len(submission.detail) < 2000


STRANGE_LINES: tuple[tuple[Spoil, int, str], ...] = (
    (lambda one: json.dumps(one).encode()[:-1] + b', "n": ' + b"9" * 5000 + b"}", 0, ""),
    (lambda one: {**one, "error": {"message": "a\0b\ud800"}}, 2, "ab?"),
    (lambda one: json.dumps(one).encode("utf-16"), 2, "can't be read"),
)


@pytest.mark.parametrize(("line", "live", "said"), STRANGE_LINES)
def test_a_strange_line_is_read_or_costs_its_row_with_the_reason(
    stand, make_animals, line, live, said
):
    stand.line = line
    spoilt, submission = both(make_animals)
    at = progress_of(spoilt.pk)
    assert (at.status, at.done, stand.live) == ("completed", 2, live)
    assert submission.state == "applied"
    assert said in submission.detail


def test_a_web_page_in_place_of_results_is_no_result(stand, make_animals):
    stand.page = b"<html>We are back soon.</html>"
    spoilt, submission = both(make_animals)
    assert (submission.state, stand.live) == ("submitted", 0)
    assert "web page" in submission.detail
    stand.page = b""
    submissions.advance(settle=AT_ONCE)
    assert progress_of(spoilt.pk).status == "completed"


def test_a_batch_that_is_listed_without_its_metadata_is_known_by_its_file(stand, make_animals):
    stand.forgets, stand.names = True, []
    spoilt, submission = both(make_animals)
    assert (submission.state, submission.external_id) == ("applied", "batch_0")
    assert (progress_of(spoilt.pk).status, len(stand.batches)) == ("completed", 2)


def test_a_batch_that_perhaps_is_there_is_not_handed_over_again(stand, make_animals):
    stand.forgets = True
    _, submission = both(make_animals)
    assert (submission.state, len(stand.batches), stand.live) == ("intended", 2, 0)

"""What providers' batches bring back: faulty lines, missing ones, twice, in any order."""

import codecs
import threading
import tracemalloc
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson
import pytest

from enrichment.batches import creation
from enrichment.batches.creation import Selection
from enrichment.batches.progress import progress_of
from enrichment.listings.models import Animal
from enrichment.models import EnrichmentResult, ProviderBatchSubmission
from llmconfig.client.provider_batches import errands, result_lines
from llmconfig.client.provider_batches.result_files import MAX_BYTES, MAX_LINE_BYTES, ResultFile
from llmconfig.configuration import snapshot
from llmconfig.configuration.resolution import resolve
from metrics.models import GenerationMetric
from tests.enrichment.provider_batches import AT_PROVIDER, until_completed

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = 6
HALF = {"attempts__contains": [{"batch_price": True}]}

# The fault, how many rows had to go on live, and what the batch's page says of it.
FAULTS = (
    ("blank_line", 0, ""),
    ("half_emoji", 0, ""),
    ("cut_line", 1, "can't be read"),
    ("not_json", 1, "1 of its lines can't be read."),
    ("missing_line", 1, "the results don't have it"),
    ("twice", 0, "2 calls are answered twice; the first answer counts."),
    ("unknown_ids", 0, "2 of its lines are for calls that aren't in it."),
    ("wrong_counts", 0, "The provider counts 7 answers, its results have 6."),
)


@pytest.mark.parametrize(("fault", "live", "said"), FAULTS)
def test_a_faulty_result_costs_its_row_and_no_other(
    vendor, simulator, make_animals, fault, live, said
):
    simulator.control(batch_ms=50, batch_faults=[fault])
    make_animals(ROWS)
    batch = creation.create("description_cleaning", Selection(), terms=AT_PROVIDER)
    until_completed(batch)
    at = progress_of(batch.pk)
    assert (at.done, at.failed) == (ROWS, 0)
    assert Animal.objects.filter(enriched_description__contains="[sim:").count() == ROWS
    assert GenerationMetric.objects.filter(**HALF).count() == ROWS - live
    assert GenerationMetric.objects.exclude(**HALF).count() == live
    submission = ProviderBatchSubmission.objects.get()
    assert submission.state == "applied"
    assert said in submission.detail if said else submission.detail == ""
    assert ("at the full price" in at.reason) == bool(live)


def test_an_answer_without_usage_is_used_and_its_cost_is_unknown(vendor, simulator, make_animals):
    simulator.control(batch_ms=50, batch_faults=["no_usage"])
    make_animals(ROWS)
    batch = creation.create("description_cleaning", Selection(), terms=AT_PROVIDER)
    until_completed(batch)
    assert progress_of(batch.pk).done == ROWS
    assert GenerationMetric.objects.filter(cost_usd__isnull=True).count() == 1
    assert GenerationMetric.objects.filter(cost_usd=0).count() == 0


def test_an_answer_that_was_cut_off_reaches_no_row(vendor, simulator, make_animals):
    simulator.control(batch_ms=50, batch_faults=["cut_off"])
    make_animals(ROWS)
    batch = creation.create("description_cleaning", Selection(), terms=AT_PROVIDER)
    until_completed(batch)
    states = list(EnrichmentResult.objects.values_list("state", flat=True))
    assert sorted(states) == ["applied"] * (ROWS - 1) + ["suggested"]


def test_a_batch_of_errors_alone_tells_each_reason_and_goes_on_live(
    vendor, simulator, make_animals
):
    simulator.plan({"text": "likes", "times": ROWS, "action": {"status": 422, "message": "Odd."}})
    make_animals(ROWS)
    batch = creation.create("description_cleaning", Selection(), terms=AT_PROVIDER)
    until_completed(batch)
    assert progress_of(batch.pk).done == ROWS
    assert not GenerationMetric.objects.filter(**HALF).exists()
    assert "No answer for" in ProviderBatchSubmission.objects.get().detail
    assert "Odd" in ProviderBatchSubmission.objects.get().detail


def test_a_blank_file_id_is_no_file(vendor, simulator, make_animals):
    simulator.control(batch_ms=50, batch_faults=["blank_file_ids"])
    make_animals(ROWS)
    batch = creation.create("description_cleaning", Selection(), terms=AT_PROVIDER)
    until_completed(batch)
    assert progress_of(batch.pk).done == ROWS


@pytest.mark.parametrize("fault", [{"cut": 0.5}, {"status": 503}, {"disconnect": True}])
def test_a_transfer_that_breaks_off_is_begun_again(vendor, simulator, make_animals, fault):
    paths = ("/v1/files/*/content", "/v1/messages/batches/*/results")
    simulator.plan(*({"path": path, "times": 2, "action": fault} for path in paths))
    make_animals(ROWS)
    batch = creation.create("description_cleaning", Selection(), terms=AT_PROVIDER)
    until_completed(batch)
    at = progress_of(batch.pk)
    assert (at.done, at.calls, simulator.stats()["paid"]) == (ROWS, ROWS, ROWS)
    assert ProviderBatchSubmission.objects.get().detail == ""


# Lines of our own making, in the forms of the vendors' references (see `result_lines`).
OPENAI_LINES = (
    ('"response":{"status_code":200,"body":{"id":"x"}},"error":null}', True, ""),
    ('"response":{"status_code":200,"body":null},"error":null}', False, "neither"),
    (
        '"response":null,"error":{"code":"batch_expired","message":"Late."}}',
        False,
        "_expired: Late.",
    ),
    ('"response":{"status_code":400,"body":{"error":{"type":"bad"}}}}', False, "400: bad"),
    ('"response":{"status_code":500,"body":"<html>"}}', False, "status 500"),
    ('"response":{"status_code":200,"body":{"te', False, "can't be read"),
    ('"response":[[[[', False, "can't be read"),
    ('"response":{"status_code":200,"body":{"t":"\\ud83d"}}}', True, ""),
    ('"response":{"status_code":200,"body":{"t":NaN}}}', True, ""),
    ('"response":{"status_code":"200","body":{"id":"x"}}}', True, ""),
    ('"response":{"body":{"id":"x"}},"error":{"code":null,"message":null}}', True, ""),
    ('"response":{"status_code":200,"body":{"t":"a\tb"}}}', True, ""),
    ('"n":' + "9" * 5000 + ',"response":{"status_code":200,"body":{"id":"x"}}}', True, ""),
    ('"response":null,"error":"overloaded"}', False, "overloaded"),
    ('"response":null,"error":[{"message":"a\\u0000b\\ud800"}]}', False, "ab?"),
    ('"response":{"status_code":' + "9" * 5000 + ',"body":null}}', False, "neither"),
)
ANTHROPIC_LINES = (
    ('"result":{"type":"succeeded","message":{"id":"m"}}}', True, ""),
    ('"result":{"type":"succeeded"}}', False, "no answer"),
    ('"result":{"type":"errored","error":{"error":{"message":"No."}}}}', False, "errored: No."),
    ('"result":{"type":"canceled"}}', False, "canceled"),
    ('"result":{"type":"expired"}}', False, "expired"),
    ('"result":{"type":"something_new"}}', False, "no answer"),
    ('"result":{"type":"succ', False, "can't be read"),
    ('"result":{"type":["errored"],"error":"boom"}}', False, "no answer: boom"),
    ('"result":{"type":{},"message":[]}}', False, "no answer"),
)


@pytest.mark.parametrize(
    ("read", "line", "good", "said"),
    [(result_lines.of_openai, *each) for each in OPENAI_LINES]
    + [(result_lines.of_anthropic, *each) for each in ANTHROPIC_LINES],
)
def test_a_line_is_an_answer_or_the_reason_why_there_is_none(read, line, good, said):
    found = read(f'{{"custom_id":"a-1",{line}'.encode())
    assert found.custom_id == "a-1"
    assert (found.value is not None) == good
    assert said in found.reason


@pytest.mark.parametrize(
    "line", [b"", b"null", b"[]", b"7", b'"x"', b"\xff\xfe", b"{", b"{}", b'{"custom_id":7}']
)
@pytest.mark.parametrize("read", [result_lines.of_openai, result_lines.of_anthropic])
def test_nothing_that_a_line_holds_is_an_error(read, line):
    found = read(line)
    assert (found.custom_id, found.value) == ("", None)
    assert found.reason


def test_a_long_file_takes_no_more_memory_than_a_part_of_it():
    body = {"choices": [{"message": {"content": "word " * 40_000}}]}  # 200 KB
    with closing(ResultFile("openai")) as results:
        for number in range(400):  # 80 MB
            entry = {"custom_id": f"m-{number}", "response": {"status_code": 200, "body": body}}
            results.file.write(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE))
        tracemalloc.start()
        try:
            ids = [each.custom_id for part in results.slices() for each in part]
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert ids == [f"m-{number}" for number in range(400)]
    assert peak < 40 * 1024**2


def test_a_file_in_another_order_with_other_line_ends_and_a_mark_is_read():
    lines = [
        b'{"custom_id":"m-%d","response":{"status_code":200,"body":{}}}' % number
        for number in (2, 0, 1)
    ]
    with closing(ResultFile("openai")) as results:
        results.file.write(codecs.BOM_UTF8 + b"\r\n".join(lines))
        found = list(results)
    assert [(each.custom_id, each.value) for each in found] == [
        ("m-2", {}),
        ("m-0", {}),
        ("m-1", {}),
    ]


def test_a_line_without_end_costs_its_row_alone():
    good = b'{"custom_id":"m-1","response":{"status_code":200,"body":{}}}\n'
    with closing(ResultFile("openai")) as results:
        results.file.write(b'{"custom_id":"m-0","response":"' + b"x" * (MAX_LINE_BYTES + 100))
        results.file.write(b'"}\n' + good)
        found = list(results)
    assert [each.custom_id for each in found] == ["m-0", "m-1"]
    assert "over 16 MB" in found[0].reason
    assert found[1].value == {}


@pytest.fixture
def endless_file():
    """A provider with a batch whose output file is 210 MB long, and no more."""
    line = orjson.dumps({"custom_id": "m-1", "response": {"status_code": 200, "body": {}}}) + b"\n"
    block = line * (1024**2 // len(line))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_GET(self):
            if self.path.endswith("/content"):
                self.send_response(200)
                self.send_header("Content-Length", str(210 * len(block)))
                self.end_headers()
                with suppress(OSError):
                    for _ in range(210):
                        self.wfile.write(block)
                return
            body = orjson.dumps(
                {"id": "batch_1", "object": "batch", "endpoint": "/v1/chat/completions",
                 "input_file_id": "file-1", "completion_window": "24h", "status": "completed",
                 "created_at": 1, "output_file_id": "file-2", "error_file_id": ""}
            )  # fmt: skip
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


def test_a_file_beyond_the_bound_is_read_as_far_as_it_goes_in_little_memory(
    make_provider, endless_file
):
    make_provider("big", "openai", api_base_url=endless_file)
    state = snapshot.current()
    target = resolve("enricher", snapshot=state, given={"model": "big/gpt-4o-mini"}).targets[0]
    errands.poll(target, state, external_id="batch_1")  # what is imported once isn't counted
    tracemalloc.start()
    try:
        with closing(errands.results(target, state, external_id="batch_1")) as results:
            size, cut = results.file.tell(), results.cut
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert cut
    assert MAX_BYTES <= size <= MAX_BYTES + 1
    assert peak < 20 * 1024**2

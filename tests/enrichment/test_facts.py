"""Facts from HTTP sources: asked for before the call, shared, kept, guarded, never in the way."""

import datetime as dt
import json
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from enrichment.batches import creation, lifecycle
from enrichment.batches.creation import Selection
from enrichment.batches.staleness import Reason, stale_rows, with_staleness
from enrichment.engine.lanes import run_lane
from enrichment.enrichments import get
from enrichment.errors import BadPrompt, BadSource
from enrichment.facts import fetching, source_rules
from enrichment.listings.models import Animal
from enrichment.listings.translating import translate_text
from enrichment.models import BatchStatus, EnrichmentResult, Fact, FactSource, Prompt, ResultState
from enrichment.prompts.selection import compile_prompt
from enrichment.single import enrich_row
from enrichment.tasks import forget_old_facts
from llmconfig.configuration import snapshot
from llmconfig.models import LLMConfig, Revision
from tests.api import caller

pytestmark = pytest.mark.django_db(transaction=True)

NAME = "description_cleaning"


class Breeds:
    """A real server on loopback that knows breeds; what it says can be changed while it runs."""

    def __init__(self):
        self.asked: Counter[str] = Counter()
        self.headers: list[dict[str, str]] = []
        self.knows = {"Beagle": "Beagles follow their nose.", "Corgi": "Corgis herd cattle."}
        self.status = 200
        self.delay = 0.0
        self.body = None
        self.at_once = self.most_at_once = 0
        lock = threading.Lock()
        breeds = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                with lock:
                    breeds.at_once += 1
                    breeds.most_at_once = max(breeds.most_at_once, breeds.at_once)
                    breeds.asked[self.path] += 1
                    breeds.headers.append(dict(self.headers))
                time.sleep(breeds.delay)
                status, body = breeds.answer(self.path)
                with lock:
                    breeds.at_once -= 1
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path):
        if self.body is not None:
            return self.status, self.body
        parts = urlsplit(path)
        breed = parse_qs(parts.query).get("name", [""])[0] or unquote(parts.path.split("/")[-1])
        if self.status != 200 or breed not in self.knows:
            return (404 if self.status == 200 else self.status), b"{}"
        return 200, json.dumps({"data": [{"summary": self.knows[breed], "kg": 12}]}).encode()


@pytest.fixture
def breeds(settings):
    server = Breeds()
    settings.LLM_EGRESS_ALLOW = (*settings.LLM_EGRESS_ALLOW, f"127.0.0.1:{server.port}")
    fetching.forget()
    yield server
    server.server.shutdown()
    server.server.server_close()


@pytest.fixture
def source(breeds, provider):
    LLMConfig.objects.filter(pk=1).update(external_enrichment=True)
    snapshot.expire()
    Prompt.objects.create(
        enrichment=NAME,
        version=1,
        is_active=True,
        user="<say>{{fact_breeds}} {{description}} {{name}}</say>",
    )
    return FactSource.objects.create(
        name="breeds",
        url_template=f"http://127.0.0.1:{breeds.port}/breeds?name={{{{breed}}}}",
        pointer="/data/0/summary",
    )


def run(**selection):
    batch = creation.create(NAME, Selection(**selection))
    while batch.status in {BatchStatus.PENDING, BatchStatus.RUNNING}:
        run_lane(batch.pk, seconds=20)
        batch.refresh_from_db()
    return batch


def states(batch):
    return Counter(batch.results.values_list("state", flat=True))


def test_rows_of_a_batch_get_the_fact_and_share_one_request(source, breeds, make_animals):
    make_animals(30, breed="Beagle")
    make_animals(10, breed="Corgi")
    batch = run()
    assert states(batch) == {ResultState.APPLIED: 40}
    assert breeds.asked == {"/breeds?name=Beagle": 1, "/breeds?name=Corgi": 1}
    texts = Animal.objects.filter(breed="Corgi").values_list("enriched_description", flat=True)
    assert all("Corgis herd cattle." in text for text in texts)
    assert set(Fact.objects.values_list("value", flat=True)) == set(breeds.knows.values())
    used = batch.results.first().facts["breeds"]
    assert used["value"] in Fact.objects.values_list("value_hash", flat=True)


def test_what_is_kept_is_not_asked_for_again_until_its_time_is_over(source, breeds, make_animals):
    make_animals(3, breed="Beagle")
    run()
    fetching.forget()  # as another process
    run(force=True)
    assert sum(breeds.asked.values()) == 1
    Fact.objects.update(fetched_at=timezone.now() - dt.timedelta(days=8))
    fetching.forget()
    run(force=True)
    assert sum(breeds.asked.values()) == 2


def test_switched_off_nobody_is_asked_and_the_name_stands_for_nothing(source, breeds, make_animals):
    LLMConfig.objects.filter(pk=1).update(external_enrichment=False)
    snapshot.expire()
    make_animals(2, breed="Beagle")
    assert states(run()) == {ResultState.APPLIED: 2}
    assert not breeds.asked
    assert EnrichmentResult.objects.exclude(facts=None).count() == 0


@pytest.mark.parametrize("trouble", ["status", "redirect", "json", "bytes", "seconds"])
def test_a_source_that_fails_leaves_the_fact_empty(source, breeds, make_animals, trouble):
    if trouble == "status":
        breeds.status = 500
    elif trouble == "redirect":
        breeds.status = 302
    elif trouble == "json":
        breeds.body = b"<html>"
    elif trouble == "bytes":
        FactSource.objects.update(max_bytes=100)
        breeds.body = json.dumps({"data": [{"summary": "x" * 200}]}).encode()
    else:
        FactSource.objects.update(timeout_seconds=0.2)
        breeds.delay = 2.0
    make_animals(2, breed="Beagle")
    assert states(run()) == {ResultState.APPLIED: 2}
    assert not any(path.startswith("/elsewhere") for path in breeds.asked)
    assert not Fact.objects.exists()


def test_a_source_that_fails_fails_the_rows_that_need_it_and_a_later_round_mends_it(
    source, breeds, make_animals
):
    FactSource.objects.update(without="fail")
    LLMConfig.objects.filter(pk=1).update(max_retries=0)
    snapshot.expire()
    make_animals(2, breed="Beagle")
    breeds.status = 503
    batch = run()
    assert states(batch) == {ResultState.FAILED: 2}
    assert batch.results.first().reason == "breeds: it answered 503."
    breeds.status = 200
    fetching.forget()
    lifecycle.retry_failed(batch)
    run_lane(batch.pk, seconds=20)
    assert states(batch) == {ResultState.APPLIED: 2}


def test_a_row_that_lacks_what_is_asked_with_is_not_asked_about(source, breeds, make_animals):
    make_animals(1, breed="")
    make_animals(1, breed="..")
    assert states(run()) == {ResultState.APPLIED: 2}
    assert not breeds.asked
    FactSource.objects.update(without="fail")
    batch = run(force=True)
    assert states(batch) == {ResultState.FAILED: 2}
    assert "no value to ask with (breed)" in batch.results.first().reason


def test_a_failing_source_is_left_alone_instead_of_holding_every_row_up(
    source, breeds, make_animals
):
    FactSource.objects.update(timeout_seconds=0.3, max_concurrency=1)
    breeds.delay = 3.0
    for number in range(60):
        make_animals(1, breed=f"Breed {number}")
    assert states(run()) == {ResultState.APPLIED: 60}
    # One after the other they would have waited for 18 seconds.
    assert len(breeds.asked) == fetching.FAILURES_IN_A_ROW


def test_no_more_than_the_allowed_requests_run_at_once(source, breeds, make_animals):
    FactSource.objects.update(max_concurrency=3)
    breeds.delay = 0.02
    for number in range(30):
        make_animals(1, breed=f"Breed {number}")
    run()
    assert len(breeds.asked) == 30
    assert breeds.most_at_once == 3


def test_a_private_address_is_refused_unless_it_is_allowed(source, settings, make_animals, breeds):
    settings.LLM_EGRESS_ALLOW = ()
    FactSource.objects.update(without="fail")
    [animal] = make_animals(1, breed="Beagle")
    found = enrich_row(NAME, animal.pk)
    assert found.state == ResultState.FAILED
    assert found.reason == "breeds: its address is not public; LLM_EGRESS_ALLOW can allow it."
    assert not breeds.asked


def test_a_row_cannot_lead_the_request_elsewhere(source, breeds, make_animals):
    FactSource.objects.update(
        url_template=f"http://127.0.0.1:{breeds.port}/breeds/{{{{breed}}}}/about"
    )
    hostile = "../../admin?x=1#y&z=%2e@evil.example/\r\nX: 1"
    make_animals(1, breed=hostile)
    run()
    [path] = breeds.asked
    assert path.startswith("/breeds/")
    assert path.endswith("/about")
    assert path.count("/") == 3
    assert not {"?", "#", "&", "@", "\n"} & set(path)


def test_a_secret_goes_out_in_its_header_and_into_nothing_else(
    source, breeds, make_animals, tmp_path, settings
):
    settings.LLM_SECRET_REFERENCES = [f"file:{tmp_path}/*"]
    held = tmp_path / "key"
    held.write_text("very-secret-key\n")
    FactSource.objects.update(
        header_name="Authorization", header_scheme="Bearer", secret_ref=f"file:{held}"
    )
    [animal] = make_animals(1, breed="Beagle")
    enrich_row(NAME, animal.pk)
    assert breeds.headers[0]["Authorization"] == "Bearer very-secret-key"
    held.unlink()
    fetching.forget()
    Fact.objects.all().delete()
    FactSource.objects.update(without="fail")
    found = enrich_row(NAME, animal.pk)
    assert "can't be read" in found.reason
    kept = json.dumps(
        list(Fact.objects.values("url", "value"))
        + list(EnrichmentResult.objects.values("facts", "reason"))
    )
    assert "very-secret-key" not in kept


def stale_for(enrichment=NAME):
    return Counter(with_staleness(get(enrichment)).values_list("nodewise_stale", flat=True))


def test_staleness_knows_what_a_source_was_asked_with_and_what_it_said(
    source, breeds, make_animals
):
    make_animals(2, breed="Beagle")
    make_animals(1, breed="Corgi")
    run()
    assert stale_for() == {"fresh": 3}
    Animal.objects.filter(breed="Corgi").update(breed="Beagle")
    assert stale_for() == {"fresh": 2, "input": 1}
    run()
    breeds.knows["Beagle"] = "Beagles bark."
    assert str(fetching.refresh(source, everything=True)) == (
        "2 facts asked for anew, 1 changed, 0 failed."
    )
    assert stale_for() == {"facts": 3}
    assert stale_rows(get(NAME)).count() == 0  # costs money: only when it is asked for
    run(stale=frozenset({Reason.FACTS}))
    assert stale_for() == {"fresh": 3}
    assert all(
        "Beagles bark." in text
        for text in Animal.objects.values_list("enriched_description", flat=True)
    )


def test_a_new_source_in_a_prompt_makes_rows_stale_by_prompt_only(source, breeds, make_animals):
    Prompt.objects.update(is_active=False)
    make_animals(2, breed="Beagle")
    run()
    Prompt.objects.update(is_active=True)
    assert stale_for() == {"prompt": 2}


def test_a_prompt_outlives_its_source(source, make_animals):
    [animal] = make_animals(1, breed="Beagle")
    source.delete()
    assert enrich_row(NAME, animal.pk).state == ResultState.APPLIED


def test_a_text_of_no_row_is_translated_without_facts(source):
    Prompt.objects.create(
        enrichment="translation", version=1, is_active=True,
        user="<say>un perro que busca una casa para los fines {{fact_breeds}}</say>",
    )  # fmt: skip
    assert translate_text("A dog looks for a house.", target_language="es").reason == ""


def test_prompts_may_name_only_sources_of_their_table_and_answers_to_adopters_none(source):
    cleaning = get(NAME)
    assert source_rules.offered(cleaning) == {"fact_breeds"}
    assert source_rules.offered(get("respond")) == frozenset()
    with pytest.raises(BadPrompt, match="fact_else"):
        compile_prompt(
            cleaning,
            system="",
            user="{{fact_else}}",
            version=1,
            facts=source_rules.offered(cleaning),
        )
    with pytest.raises(BadPrompt, match="fact_breeds"):
        compile_prompt(get("respond"), system="", user="{{fact_breeds}}", version=1)


@pytest.mark.parametrize(
    ("changed", "field", "says"),
    [
        ({"url_template": "ftp://x.example/{{breed}}"}, "url_template", "http"),
        ({"url_template": "https://{{breed}}.example/"}, "url_template", "host"),
        ({"url_template": "https://x.example{{breed}}"}, "url_template", "host"),
        ({"url_template": "https://x.example:{{breed}}/"}, "url_template", "host"),
        ({"url_template": "https://x.example/{{no_such}}"}, "url_template", "no_such"),
        ({"url_template": "https://x.example/{breed}"}, "url_template", "braces"),
        ({"url_template": "https://a:b@x.example/"}, "url_template", "password"),
        ({"url_template": "https://x.example/a b"}, "url_template", "spaces"),
        ({"url_template": "https://x.example:99999/"}, "url_template", "address"),
        ({"target": "auth.User"}, "target", "enrichment"),
        ({"header_name": "X-Key"}, "secret_ref", "together"),
        ({"secret_ref": "env:DATABASE_URL", "header_name": "X"}, "secret_ref", "installation"),
    ],
)
def test_a_source_that_could_be_led_astray_is_refused_by_field(changed, field, says):
    good = {
        "target": "listings.Animal",
        "url_template": "https://x.example/a/{{breed}}?size={{size}}",
        "header_name": "",
        "secret_ref": "",
    }
    source_rules.check_source(**good)
    with pytest.raises(BadSource, match=says) as refused:
        source_rules.check_source(**{**good, **changed})
    assert refused.value.field == field


def test_the_api_adds_tries_refreshes_and_removes_a_source(source, breeds, make_animals):
    make_animals(1, breed="Corgi")
    admin, operator = caller("administrator"), caller("operator")
    body = {"name": "sizes", "url_template": source.url_template, "pointer": "/data/0/kg"}
    assert operator.post("/api/llm/fact-sources", body, format="json").status_code == 403
    before = Revision.objects.count()
    made = admin.post("/api/llm/fact-sources", body, format="json")
    assert made.status_code == 201, made.json()
    assert Revision.objects.count() == before + 1
    tried = operator.post("/api/llm/fact-sources/sizes/try", {}, format="json").json()
    assert (tried["value"], tried["problem"]) == ("12", "")
    bad = admin.patch(
        "/api/llm/fact-sources/sizes", {"url_template": "https://{{breed}}/"}, format="json"
    )
    assert bad.status_code == 400
    assert bad.json()["message"].startswith("url_template: ")
    run()
    done = operator.post(
        "/api/llm/fact-sources/breeds/refresh", {"everything": True}, format="json"
    )
    assert done.json() == {"asked": 1, "changed": 0, "failed": 0}
    assert admin.delete("/api/llm/fact-sources/breeds").status_code == 409
    assert admin.delete("/api/llm/fact-sources/sizes").status_code == 204


def test_the_command_lists_tries_and_refreshes(source, breeds, make_animals, capsys):
    make_animals(1, breed="Beagle")
    call_command("llm_facts", "try", "breeds")
    assert "Beagles follow their nose." in capsys.readouterr().out
    run()
    call_command("llm_facts", "refresh", "--all", "--json")
    assert json.loads(capsys.readouterr().out) == [
        {"name": "breeds", "asked": 1, "changed": 0, "failed": 0}
    ]
    call_command("llm_facts", "list")
    assert "1 facts kept" in capsys.readouterr().out
    with pytest.raises(CommandError, match="there are breeds"):
        call_command("llm_facts", "try", "other")


def test_facts_that_nobody_needs_are_forgotten(source, make_animals):
    make_animals(1, breed="Beagle")
    run()
    forget_old_facts()
    assert Fact.objects.count() == 1
    Fact.objects.update(fetched_at=timezone.now() - dt.timedelta(days=60))
    forget_old_facts()
    assert Fact.objects.count() == 0


@pytest.mark.parametrize(
    ("pointer", "found"),
    [("", {"a/b": [1, {"~": "x"}]}), ("/a~1b/1/~0", "x"), ("/a~1b/9", None), ("/a~1b/x", None)],
)
def test_a_pointer_leads_where_its_standard_says(pointer, found):
    assert fetching.pointed_at({"a/b": [1, {"~": "x"}]}, pointer) == found

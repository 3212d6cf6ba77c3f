"""Enriching by a function call, and what a project hears of it."""

from decimal import Decimal
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.core.checks import run_checks
from django.db import models, transaction
from redis import Redis

from enrichment import enrichments
from enrichment.batches import lifecycle
from enrichment.controlling import pause
from enrichment.enrichments.contract import PromptText
from enrichment.errors import BadSelection, UnknownEnrichment
from enrichment.models import Batch, Enrichable
from enrichment.running import aenrich_one, arun, enrich_one, run
from enrichment.signals import batch_ended, batch_paused
from llmconfig.errors import UnknownNode
from llmconfig.models import NodeConfiguration
from tests.enrichment.museum import exhibit_rows
from tests.museum.enrichments import CoinLabels, ExhibitLabel
from tests.museum.models import Coin, Exhibit

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def exhibits(museum):
    return exhibit_rows(8)


@pytest.fixture
def heard():
    """Every signal that a project would hear, as (enrichment, status, reason)."""
    said = []

    def listen(sender, batch_id, enrichment, status, reason, **kwargs):
        assert sender is Batch
        said.append((enrichment, status, reason))

    for signal in (batch_ended, batch_paused):
        signal.connect(listen)
    yield said
    for signal in (batch_ended, batch_paused):
        signal.disconnect(listen)


def label(*numbers):
    return Exhibit.objects.filter(title__in=[f"Vase {each}" for each in numbers])


def test_whatever_names_rows_is_enriched_and_nothing_else(exhibits):
    first, second = exhibits[6:]
    for rows, done in (
        (label(0, 1), 2),
        (label(0, 1, 2), 1),  # the others are fresh
        (Exhibit.objects.order_by("title")[3:5], 2),
        (label(5).union(label(0)), 1),
        ([first, second.pk], 2),
        (Exhibit.objects.none(), 0),
        (None, 0),
    ):
        batch = run(ExhibitLabel, rows, wait=True)
        assert (batch.status, batch.rows_total) == ("completed", done), rows
    assert not Exhibit.objects.filter(label_text="").exists()
    assert run("exhibit_label", label(0), force=True, limit=1, wait=True).rows_total == 1


def test_terms_and_languages_are_those_of_the_batch(museum):
    Coin.objects.create(inventory_number="a-1", notes="Gold.")
    batch = run(CoinLabels(), languages=("de", "fr"), cap_usd=5, priority=3, wait=True)
    assert (batch.max_cost_usd, batch.priority, batch.rows_total) == (Decimal(5), 3, 2)
    assert set(Coin.objects.get().label_texts) == {"de", "fr"}
    made = enrich_one(CoinLabels, "a-1", language="nl")
    assert (made.state, list(Coin.objects.get().label_texts)) == ("applied", ["de", "fr", "nl"])


@pytest.mark.parametrize(
    ("enrichment", "rows", "options", "error", "said"),
    [
        (ExhibitLabel, Coin.objects.all(), {}, BadSelection, r"rows: these are of museum\.Coin"),
        (ExhibitLabel, [Coin(pk="a")], {}, BadSelection, r"rows: these are of museum\.Coin"),
        (ExhibitLabel, ["x"], {}, BadSelection, r"'x' is no key of museum\.Exhibit"),
        (ExhibitLabel, None, {"cap_usd": "much"}, BadSelection, "cap_usd: 'much' is no amount"),
        (ExhibitLabel, None, {"cap_usd": 0}, BadSelection, "max_cost_usd: 0 is not above 0"),
        (ExhibitLabel, None, {"stale": ["old"]}, BadSelection, "stale: 'old' is none; there are"),
        (ExhibitLabel, None, {"languages": ["de"]}, BadSelection, "takes no language"),
        ("labels", None, {}, UnknownEnrichment, "'labels' is no enrichment"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(museum, enrichment, rows, options, error, said):
    with pytest.raises(error, match=said):
        run(enrichment, rows, **options)
    assert not Batch.objects.exists()


def test_no_batch_is_made_where_no_call_could_be(exhibits):
    NodeConfiguration.objects.all().delete()
    with pytest.raises(UnknownNode):
        run(ExhibitLabel)
    assert not Batch.objects.exists()


def test_in_a_transaction_workers_hear_of_it_after_the_commit(exhibits, settings):
    queue = Redis.from_url(settings.REDIS_URL)
    with transaction.atomic():
        with pytest.raises(RuntimeError, match="durable"):
            run(ExhibitLabel, wait=True)
        batch = run(ExhibitLabel)
        assert queue.llen("celery") == 0
    assert queue.llen("celery") > 0
    assert batch.status == "pending"


def test_a_batch_that_is_none_is_refused_in_words(exhibits):
    for key in ("nonsense", uuid4()):
        with pytest.raises(BadSelection, match=f"no.* with the id {key}"):
            pause(key)


def test_on_an_event_loop(exhibits):
    async def work():
        made = await aenrich_one(ExhibitLabel, exhibits[0])
        return made, await arun(ExhibitLabel, exhibits[:3], wait=True)

    made, batch = async_to_sync(work)()
    assert (made.state, batch.status, batch.rows_total) == ("applied", "completed", 2)


def test_a_row_that_is_gone_is_named(museum):
    with pytest.raises(BadSelection, match="row_id: there is no row"):
        enrich_one(ExhibitLabel, uuid4())


def test_ends_and_pauses_are_told_when_they_are_committed(exhibits, heard):
    batch = run(ExhibitLabel, exhibits[:2])
    with transaction.atomic():
        lifecycle.pause(batch)
        assert heard == []
    lifecycle.resume(batch)
    lifecycle.cancel(batch)
    with transaction.atomic():
        run(ExhibitLabel, Exhibit.objects.none())
        transaction.set_rollback(True)
    run(ExhibitLabel, exhibits[2:], wait=True)
    assert heard == [
        ("exhibit_label", "paused", "Paused by a person."),
        ("exhibit_label", "cancelled", "Cancelled by a person."),
        ("exhibit_label", "completed", ""),
    ]


def test_a_receiver_that_fails_holds_nothing_up(exhibits, heard):
    def fail(**kwargs):
        raise OSError

    batch_ended.connect(fail)
    try:
        assert run(ExhibitLabel, wait=True).status == "completed"
    finally:
        batch_ended.disconnect(fail)
    assert len(heard) == 1


class Ticket(Enrichable):
    """Known by two columns together."""

    pk = models.CompositePrimaryKey("museum", "number")
    museum = models.IntegerField()
    number = models.IntegerField()
    text = models.TextField()

    class Meta:
        app_label = "museum"
        managed = False


class Day(models.Model):
    """Known by a date; not made for enrichments."""

    date = models.DateField(primary_key=True)
    text = models.TextField()

    class Meta:
        app_label = "museum"
        managed = False

    def __str__(self):
        return self.text


class Drawer(Enrichable):
    """Known by a long text."""

    code = models.CharField(primary_key=True, max_length=80)
    notes = models.TextField()
    label_text = models.TextField()

    class Meta:
        app_label = "museum"
        managed = False


def just_notes(self, row, *, variant):
    return {"title": "", "notes": row["notes"] or ""}


def no_nulls(self, row, *, variant):
    return {"title": row["title"].strip(), "notes": row["notes"].strip()}


@pytest.mark.parametrize(
    ("declared", "ids"),
    [
        ({"target": "museum.Nothing"}, ["E001"]),
        ({"target": "museum"}, ["E001"]),
        ({"target": "museum.Ticket", "reads": ("text",), "writes": "text"}, ["E002"]),
        ({"target": "museum.Day", "reads": ("text",), "writes": "text"}, ["E002"]),
        ({"reads": ("title", "colour")}, ["E004"]),
        ({"writes": "label"}, ["E005"]),
        ({"writes": "id"}, ["E005"]),
        ({"by_variant": True}, ["E005"]),
        ({"prompt": PromptText("Be brief.", "{{title}} by {{cook}}")}, ["E007"]),
        ({"reads": ("title",)}, ["E007"]),
        ({"values": no_nulls}, ["E007"]),
        ({"target": "museum.Drawer", "reads": ("notes",), "values": just_notes}, ["W002"]),
        ({"writes": "keywords"}, []),
        (
            {
                "target": "museum.Coin",
                "reads": ("notes",),
                "writes": "label_texts",
                "values": just_notes,
            },
            [],
        ),
    ],
)
def test_check_refuses_what_a_table_cannot_do(museum, declared, ids):
    enrichments.register(type("Declared", (ExhibitLabel,), {"name": "declared", **declared})())
    try:
        found = [each for each in run_checks(tags=["models"]) if "'declared'" in each.msg]
    finally:
        enrichments.unregister("declared")
    assert [each.id for each in found] == [f"enrichment.{each}" for each in ids], found


def test_check_says_why_a_built_in_prompt_cannot_be_filled(museum):
    said = {}
    for name, declared in (
        ("unoffered", {"prompt": PromptText("Be brief.", "{{title}} by {{cook}}")}),
        ("unread", {"reads": ("title",)}),
    ):
        enrichments.register(type("Declared", (ExhibitLabel,), {"name": name, **declared})())
        try:
            (found,) = (each for each in run_checks(tags=["models"]) if f"'{name}'" in each.msg)
        finally:
            enrichments.unregister(name)
        said[name] = found.msg
    assert "built-in prompt: {{cook}} is not offered; there are notes, title." in said["unoffered"]
    assert "values() takes 'notes' from its row, which reads doesn't name." in said["unread"]

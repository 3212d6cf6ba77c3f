"""What the database refuses costs its row, at the first write; nothing is paid twice for it."""

import pytest
from django.db import IntegrityError, connection
from django.db.models import Sum

from enrichment import enrichments
from enrichment.batches import creation, lifecycle
from enrichment.batches.creation import Selection
from enrichment.batches.progress import progress_of
from enrichment.engine.lanes import LaneEnd, run_lane
from enrichment.listings.enrichments.description_cleaning import DescriptionCleaning
from enrichment.listings.models import Animal
from enrichment.models import BatchChunk, EnrichmentResult
from enrichment.single import enrich_row
from metrics import partitions
from metrics.models import GenerationMetric
from tests.enrichment.museum import exhibit_rows

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = 30


def sql(*statements):
    with connection.cursor() as cursor:
        for each in statements:
            cursor.execute(each)


@pytest.fixture
def altered():
    """Run SQL on the test's tables, and its opposite afterwards."""
    undo = []

    def alter(statement, opposite):
        undo.append(opposite)
        sql(statement)

    yield alter
    EnrichmentResult.objects.all().delete()
    sql(*reversed(undo))


@pytest.fixture
def spool(tmp_path, settings):
    settings.LLM_SPOOL_DIR = str(tmp_path / "spool")
    return tmp_path / "spool"


def cleaned(**terms):
    batch = creation.create("description_cleaning", Selection(), **terms)
    run_lane(batch.pk)
    batch.refresh_from_db()
    return batch


def assert_all_paid_once(simulator, batch, *, done, failed):
    at = progress_of(batch.pk)
    assert (at.status, at.done, at.failed) == ("completed", done, failed)
    assert simulator.stats()["paid"] == at.calls == done + failed
    assert GenerationMetric.objects.count() == done + failed
    assert GenerationMetric.objects.aggregate(Sum("cost_usd"))["cost_usd__sum"] == at.cost_usd


def test_ten_answers_too_long_for_their_column_fail_and_the_batch_ends(museum, simulator, altered):
    exhibit_rows(ROWS - 10)
    exhibit_rows(10, notes="A vase with a dragon on it, " + "and more of it, " * 12)
    altered(
        "ALTER TABLE museum_exhibit ALTER COLUMN label_text TYPE varchar(100)",
        "ALTER TABLE museum_exhibit ALTER COLUMN label_text TYPE text",
    )
    batch = creation.create("exhibit_label", Selection())
    assert run_lane(batch.pk) == LaneEnd.FINISHED
    assert_all_paid_once(simulator, batch, done=ROWS - 10, failed=10)
    failed = EnrichmentResult.objects.filter(state="failed")
    assert set(failed.values_list("reason", flat=True)) == {
        "The database refuses the value: value too long for type character varying(100)."
    }
    assert all("dragon" in each.value for each in failed)  # what was paid for can be read


REFUSING = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.enriched_description LIKE '%Dog 7 %' THEN
        RAISE EXCEPTION 'nobody wants number seven';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse BEFORE UPDATE ON animals FOR EACH ROW EXECUTE FUNCTION refuse()
"""
OVERFLOWING = """
CREATE FUNCTION number_of(text) RETURNS numeric IMMUTABLE LANGUAGE sql AS $$
    SELECT CASE WHEN $1 LIKE '%Dog 7 %' THEN 1e15 ELSE 1 END::numeric(20, 10) $$;
CREATE INDEX number_of ON animals (number_of(enriched_description))
"""
TOO_LONG_FOR_AN_INDEX = """
CREATE FUNCTION key_of(text) RETURNS text IMMUTABLE LANGUAGE sql AS $$
    SELECT CASE WHEN $1 LIKE '%Dog 7 %'
    THEN (SELECT string_agg(md5(n::text), '') FROM generate_series(1, 400) n) ELSE '' END $$;
CREATE INDEX key_of ON animals (key_of(enriched_description))
"""


@pytest.mark.parametrize(
    ("statement", "opposite", "said"),
    [
        pytest.param(
            "ALTER TABLE animals ADD CONSTRAINT no_seven CHECK (enriched_description !~ 'Dog 7 ')",
            "ALTER TABLE animals DROP CONSTRAINT no_seven",
            'violates check constraint "no_seven"',
            id="check",
        ),
        pytest.param(
            REFUSING,
            "DROP FUNCTION refuse() CASCADE",
            "nobody wants number seven",
            id="trigger",
        ),
        pytest.param(
            OVERFLOWING,
            "DROP FUNCTION number_of(text) CASCADE",
            "numeric field overflow",
            id="overflow",
        ),
        pytest.param(
            TOO_LONG_FOR_AN_INDEX,
            "DROP FUNCTION key_of(text) CASCADE",
            "index row requires",
            id="index",
        ),
    ],
)
def test_one_refused_row_fails_alone_with_the_databases_reason(
    provider, simulator, make_animals, altered, statement, opposite, said
):
    sql("TRUNCATE animals CASCADE")  # a new index also takes what other tests deleted just now
    rows = make_animals(ROWS)
    altered(statement, opposite)
    batch = cleaned()
    assert_all_paid_once(simulator, batch, done=ROWS - 1, failed=1)
    refused = EnrichmentResult.objects.get(state="failed")
    assert refused.row_id == str(rows[7].pk)
    assert said in refused.reason
    assert "Dog 8" not in refused.reason


def test_one_row_by_itself_that_is_refused_says_why(provider, simulator, make_animals, altered):
    row = make_animals(1)[0]
    altered(
        "ALTER TABLE animals ADD CONSTRAINT nothing CHECK (enriched_description IS NULL)",
        "ALTER TABLE animals DROP CONSTRAINT nothing",
    )
    found = enrich_row("description_cleaning", row.pk)
    assert found.state == "failed"
    assert 'violates check constraint "nothing"' in found.reason
    assert GenerationMetric.objects.count() == simulator.stats()["paid"] == 1


class Choosy(DescriptionCleaning):
    """Its own judgement raises on some rows."""

    name = "choosy"
    feature = ""

    def judge(self, answer, values, **rest):
        if "Dog 3 " in answer.text:
            raise LookupError("no rule for number three")
        return super().judge(answer, values, **rest)


def test_a_judgement_that_raises_costs_its_row_and_its_paid_call_is_recorded(
    provider, simulator, make_animals
):
    make_animals(10)
    enrichments.register(Choosy())
    try:
        batch = creation.create("choosy", Selection())
        run_lane(batch.pk)
        assert_all_paid_once(simulator, batch, done=9, failed=1)
    finally:
        enrichments.unregister("choosy")
    assert (
        "LookupError: no rule for number three"
        in EnrichmentResult.objects.get(state="failed").reason
    )


def test_a_missing_partition_is_made_before_the_first_call(provider, simulator, make_animals):
    make_animals(3)
    month = partitions.month_of("llm_generation_metrics", partitions.month_start(_now()))
    sql(f"DROP TABLE {month.name}")
    assert_all_paid_once(simulator, cleaned(), done=3, failed=0)


def test_a_partition_that_cannot_be_made_pauses_the_batch_before_anything_is_paid(
    provider, simulator, make_animals, altered
):
    make_animals(3)
    month = partitions.month_of("llm_generation_metrics", partitions.month_start(_now()))
    sql(f"DROP TABLE {month.name}")
    altered(f"CREATE TABLE {month.name} (x int)", f"DROP TABLE {month.name}")
    batch = cleaned()
    assert (batch.status, simulator.requests) == ("paused", 0)
    assert f"{month.name} can't be made" in batch.status_reason
    sql(f"DROP TABLE {month.name}", f"CREATE TABLE {month.name} (x int)")


def _now():
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        return cursor.fetchone()[0]


def test_a_column_that_is_gone_pauses_the_batch_before_anything_is_paid(
    provider, simulator, make_animals, altered
):
    make_animals(3)
    altered(
        "ALTER TABLE animals RENAME COLUMN llm_model_used TO elsewhere",
        "ALTER TABLE animals RENAME COLUMN elsewhere TO llm_model_used",
    )
    batch = cleaned()
    assert (batch.status, simulator.requests) == ("paused", 0)
    assert 'column "llm_model_used"' in batch.status_reason


def test_answers_that_cannot_be_written_are_kept_and_written_when_that_is_mended(
    provider, simulator, make_animals, spool
):
    make_animals(ROWS)
    sql(
        "ALTER TABLE enrichment_results ADD CONSTRAINT closed CHECK (false) NOT VALID",
    )
    batch = creation.create("description_cleaning", Selection())
    try:
        with pytest.raises(IntegrityError, match="closed"):
            run_lane(batch.pk)
        paid = simulator.stats()["paid"]
        assert 0 < paid < ROWS
        end_of_leases(batch)
        assert run_lane(batch.pk) == LaneEnd.FINISHED
    finally:
        sql("ALTER TABLE enrichment_results DROP CONSTRAINT closed")
    batch.refresh_from_db()
    assert batch.status == "paused"
    assert "failed twice in the same way" in batch.status_reason
    assert 'check constraint "closed"' in batch.status_reason
    files = list(spool.iterdir())
    assert spool.stat().st_mode & 0o777 == 0o700
    assert {each.stat().st_mode & 0o777 for each in files} == {0o600}

    lifecycle.resume(batch)
    end_of_leases(batch)
    run_lane(batch.pk)
    assert_all_paid_once(simulator, batch, done=ROWS, failed=0)
    assert progress_of(batch.pk).calls_repaid == 0
    assert Animal.objects.filter(enriched_description__contains="[sim:").count() == ROWS
    assert list(spool.iterdir()) == []


def end_of_leases(batch):
    BatchChunk.objects.filter(batch=batch, status="leased").update(leased_until="2000-01-01T00:00Z")


def test_a_batch_pauses_at_its_ceiling_of_answers_paid_twice(
    provider, simulator, make_animals, settings
):
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_BATCH_MAX_REPAID": 7}
    make_animals(20)
    batch = creation.create("description_cleaning", Selection())
    BatchChunk.objects.filter(batch=batch).update(calls_repaid=7)
    run_lane(batch.pk)
    batch.refresh_from_db()
    assert (batch.status, simulator.requests) == ("paused", 0)
    assert "LLM_BATCH_MAX_REPAID" in batch.status_reason
    lifecycle.resume(batch)
    run_lane(batch.pk)
    assert progress_of(batch.pk).done == 20

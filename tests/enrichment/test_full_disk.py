"""A disk that takes no more: what is paid for is written all the same, and nothing is torn."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest

from enrichment.batches import creation
from enrichment.batches.creation import Selection
from enrichment.batches.progress import progress_of
from enrichment.engine import answer_spool
from enrichment.engine.answer_spool import KeptAnswer
from enrichment.engine.lanes import run_lane
from enrichment.models import EnrichmentResult, ResultState
from metrics.models import GenerationMetric
from metrics.quality.parts import CheckResults
from tests.metrics.calls import TEXTS, a_record

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = 40


@pytest.fixture
def spool(tmp_path, settings):
    settings.LLM_SPOOL_DIR = str(tmp_path / "spool")
    return tmp_path / "spool"


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """No file may grow beyond this: a write comes back short, the next one fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_batch_whose_answers_find_no_place_on_the_disk_is_written_and_paid_once(
    provider, simulator, make_animals, spool, caplog
):
    make_animals(ROWS)
    batch = creation.create("description_cleaning", Selection())
    with files_up_to(5_000):
        run_lane(batch.pk)
    at = progress_of(batch.pk)
    assert (at.status, at.done, at.failed, at.calls_repaid) == ("completed", ROWS, 0, 0)
    assert simulator.stats()["paid"] == ROWS
    assert EnrichmentResult.objects.count() == GenerationMetric.objects.count() == ROWS
    assert "only in memory" in caplog.text
    assert "File too large" in caplog.text


def test_a_part_that_a_full_disk_took_tears_no_other_answer(spool):
    token = uuid4()
    kept = answer_spool.AnswerSpool()
    kept.keep(token, an_answer("1"))
    (file,) = spool.iterdir()
    whole = file.stat().st_size
    with files_up_to(whole + 100):
        kept.keep(token, an_answer("2"))
    assert file.stat().st_size == whole
    kept.keep(token, an_answer("3"))
    assert [each.row_id for each in answer_spool.kept(token)] == ["1", "3"]


def test_a_folder_that_a_mount_has_opened_is_closed_again(spool):
    token = uuid4()
    answer_spool.AnswerSpool().keep(token, an_answer("1"))
    spool.chmod(0o2770)  # as Kubernetes does for a pod's group
    assert [each.row_id for each in answer_spool.kept(token)] == ["1"]
    assert spool.stat().st_mode & 0o777 == 0o700


def an_answer(row_id: str) -> KeptAnswer:
    return KeptAnswer(
        row_id=row_id,
        input_hash="0" * 32,
        prompt_version=1,
        state=ResultState.APPLIED,
        value="A dog.",
        reason="",
        findings=(),
        suggestion=None,
        confidence=None,
        confidence_source="",
        record=a_record(),
        texts=TEXTS,
        retriable=False,
        check_results=CheckResults(),
        facts=(),
    )

"""Reads the answers to a run's cases, by the same gates as those of its live calls."""

from collections.abc import Iterable, Sequence

from django.db import transaction

from enrichment.engine.items import Item, Outcome
from enrichment.engine.submissions.calls import model_of
from enrichment.engine.submissions.fall_back import settle
from enrichment.engine.submissions.reading import MAX_REPEATED, NO_LINES, SubmissionReading
from enrichment.enrichments.contract import Enrichment
from enrichment.evaluations import run_states
from enrichment.evaluations.at_provider.cases import go_live
from enrichment.evaluations.recorded import kind_of
from enrichment.evaluations.run_calls import PromptsOfRun, call_of, item_of, store
from enrichment.models import ProviderBatchSubmission, SubmissionState
from enrichment.models.evaluations import EvaluationCase, EvaluationRun, RunStatus
from enrichment.prompts.selection import compiled_version
from llmconfig.client.provider_batches import Polled, Result
from llmconfig.client.provider_batches.result_files import ResultFile
from llmconfig.client.types import Call
from llmconfig.runtime.records import replace


def run_of(submission: ProviderBatchSubmission) -> EvaluationRun:
    """The run whose cases it asks about, as it stands now; raises ValueError for a batch's."""
    if submission.run_id is None:
        raise ValueError("It asks about rows of a batch.")
    return EvaluationRun.objects.select_related("evaluation_set").get(pk=submission.run_id)


def cases_of(submission: ProviderBatchSubmission, run: EvaluationRun) -> dict[str, EvaluationCase]:
    """Its cases by row."""
    rows = [row[0] for row in submission.rows]
    return {case.row_id: case for case in run.evaluation_set.cases.filter(row_id__in=rows)}


def items_of(
    submission: ProviderBatchSubmission, run: EvaluationRun, cases: Iterable[EvaluationCase]
) -> dict[str, Item]:
    """Its cases by row, each with the version of the prompt that it was intended with."""
    enrichment = kind_of(run.evaluation_set)
    prompts, floor = PromptsOfRun(enrichment, run.prompt_version), enrichment.floor()
    versions = {row[0]: row[2] for row in submission.rows}
    others = {each: compiled_version(enrichment, each) for each in set(versions.values()) - {None}}
    found = {}
    for case in cases:
        item = item_of(case, run.evaluation_set, prompts, floor)
        sent = others.get(versions[case.row_id])
        found[case.row_id] = item if sent is None else replace(item, prompt=sent)
    return found


class RunReading(SubmissionReading):
    """The answers to some of a run's cases on their way into the database."""

    def begin(self) -> None:
        """See which cases have their answer already."""
        self.run = run_of(self.submission)
        self.cases = cases_of(self.submission, self.run)
        left = set(self._unanswered())
        rows = [row[0] for row in self.submission.rows]
        self.written = {place for place, row in enumerate(rows) if row not in left}

    def _unanswered(self) -> list[str]:
        answers = self.run.answers.filter(case__in=list(self.cases.values()))
        answered = set(answers.values_list("case__row_id", flat=True))
        return [row for row in self.cases if row not in answered]

    def _read(self, part: Sequence[tuple[int, Result]]) -> list[tuple[int, Outcome]]:
        rows = self.submission.rows
        some = [self.cases[rows[place][0]] for place, _ in part]
        items = items_of(self.submission, self.run, some)
        return [
            (place, self._outcome(items[rows[place][0]], result, rows[place]))
            for place, result in part
        ]

    def _put(self, outcomes: Sequence[Outcome]) -> None:
        store(self.run, self.cases, outcomes)

    def _call(self, item: Item) -> Call:
        return run_call(self.submission, self.enrichment, self.run, item)

    @transaction.atomic
    def end(self, polled: Polled, file: ResultFile) -> None:
        """End the submission; cases that are left go on live, or are handed over once more."""
        ours = self._locked()
        if ours is None:
            return
        self.run.refresh_from_db()
        undone = self._unanswered()
        ours.state, ours.detail = SubmissionState.APPLIED, self._story(undone, polled, file)
        if self._found_nothing(polled) and self._repeated() < MAX_REPEATED:
            ours.state, ours.detail = SubmissionState.REPEATED, NO_LINES
        elif undone and self.run.status == RunStatus.STOPPED:
            ours.state = SubmissionState.REPEATED
            ours.detail = "Stopped; what has no answer is handed over again when the run goes on."
        ours.save(update_fields=["state", "detail"])
        settle(ours)
        if ours.state == SubmissionState.APPLIED and undone:
            go_live(self.run, [self.cases[row] for row in undone], why=self._why(undone))
        run_states.end_if_answered(self.run)

    def _repeated(self) -> int:
        """How often the same was handed over in vain."""
        before = self.run.submissions.filter(state=SubmissionState.REPEATED)
        return before.filter(rows__0__0=self.submission.rows[0][0]).count()


def run_call(
    submission: ProviderBatchSubmission, enrichment: Enrichment, run: EvaluationRun, item: Item
) -> Call:
    """What a case asks of the model that the submission names."""
    return call_of(enrichment, run, item, model_of(submission)["model"])

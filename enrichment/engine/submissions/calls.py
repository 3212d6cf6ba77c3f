"""The calls of a submission: which rows it has, and what a live lane would ask for each."""

from collections.abc import Callable, Sequence
from typing import Any

from enrichment.engine.cascade_decisions import SECOND_TEMPERATURE
from enrichment.engine.claims import Claim
from enrichment.engine.grading import grading_changes
from enrichment.engine.items import Item, call_for, load_items
from enrichment.enrichments.contract import Enrichment
from enrichment.judging import JUDGE_NODE, Judge, judge_of
from enrichment.models import BatchChunk, ChunkStage, ProviderBatchSubmission
from llmconfig.client.types import Call
from llmconfig.configuration import snapshot
from llmconfig.configuration.facts import JudgeFacts
from llmconfig.configuration.resolution import Target, resolve
from llmconfig.runtime.records import replace

# Told of each step once it is committed; a test's process dies there.
Step = Callable[[str], object]
AS_SENT = 3  # parts of a row that tell whether it still asks the same
CHANGED = "The row or its prompt changed while it was at the provider."


def chunk_of(submission: ProviderBatchSubmission) -> BatchChunk:
    """The chunk whose rows a batch's submission asks about; raises ValueError for a run's."""
    if submission.chunk is None:
        raise ValueError("It asks about the cases of a run.")
    return submission.chunk


def model_of(submission: ProviderBatchSubmission) -> dict[str, str]:
    """What a call is given so that the model answers that the submission names."""
    return {"model": f"{submission.provider}/{submission.model}"}


def target_of(submission: ProviderBatchSubmission, node: str) -> Target:
    """The target that it was meant for, whatever the node says now; raises ConfigurationError."""
    given = model_of(submission)
    return resolve(node, snapshot=snapshot.current(), given=given).targets[0]


def as_sent(item: Item) -> list[str | int | None]:
    """What tells whether a row still asks the same: its id, input hash and prompt version."""
    return [item.row_id, item.input_hash, item.prompt.version if item.prompt else None]


def row_of(item: Item, sharers: Sequence[Item]) -> list[Any]:
    """What a submission notes of a row that it asks for, and of those that share the call."""
    return [*as_sent(item), *([[each.row_id for each in sharers]] if sharers else [])]


def sharing(row: Sequence[Any]) -> list[str]:
    """The rows that share the call of this one."""
    return list(row[AS_SENT]) if len(row) > AS_SENT else []


def call_of(submission: ProviderBatchSubmission, enrichment: Enrichment, item: Item) -> Call:
    """What a live lane would ask, of the target that the submission names."""
    call = call_for(enrichment, item, session_id=chunk_of(submission).batch_id)
    given: dict[str, Any] = dict(model_of(submission))
    if chunk_of(submission).stage == ChunkStage.SCORE:
        if not submission.asks_cheap:
            return _grading(submission, enrichment, item, call)
        given["temperature"] = SECOND_TEMPERATURE
    return Call(
        node=call.node,
        messages=call.messages,
        schema=call.schema,
        given=given,
        correlation_id=call.correlation_id,
        labels=call.labels,
        use_cache=False,
        logprobs=call.logprobs or submission.asks_cheap,
    )


def _grading(
    submission: ProviderBatchSubmission, enrichment: Enrichment, item: Item, call: Call
) -> Call:
    """The judge's call about an item's cheap answer.

    Of a judge that the node has no more, the rubric is blank: then its answers are only read.
    """
    judge = judge_of(enrichment) or Judge(enrichment.name, JudgeFacts(""))
    value = item.cheap.value if item.cheap is not None else None
    changes = {**grading_changes(judge, call, value), "given": model_of(submission)}
    return replace(call, **changes, use_cache=False)


def node_of(submission: ProviderBatchSubmission, enrichment: Enrichment) -> str:
    """By whose configuration a submission's calls are made: the enrichment's node, or the judge."""
    judges = chunk_of(submission).stage == ChunkStage.SCORE and not submission.asks_cheap
    return JUDGE_NODE if judges else enrichment.node


def items_of(
    submission: ProviderBatchSubmission,
    enrichment: Enrichment,
    row_ids: Sequence[str],
    claim: Claim | None = None,
) -> dict[str, Item]:
    """These rows of its chunk by id; with a claim, as their answers are judged."""
    found = load_items(
        enrichment,
        row_ids,
        variant=chunk_of(submission).variant,
        claim=claim,
        # What was said with a request is judged with it, a day later.
        facts_of_any_age=claim is not None,
    )
    return {item.row_id: item for item in found}


def custom_id(submission: ProviderBatchSubmission, place: int) -> str:
    """The id of a submission's call at the provider: its marker and the row's place."""
    return f"{submission.pk.hex}-{place}"


def place_of(submission: ProviderBatchSubmission, found: str) -> int | None:
    """The row's place that an id names; None if the id is none of the submission's."""
    marker, _, number = found.partition("-")
    if marker != submission.pk.hex or not (number.isascii() and number.isdecimal()):
        return None
    place = int(number) if len(number) < 10 else len(submission.rows)
    known = place < len(submission.rows) and custom_id(submission, place) == found
    return place if known else None

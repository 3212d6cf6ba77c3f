"""Single calls of nodes with a cascade: who has the statistics registers here, and steers them.

Without anybody the node's own model answers all.
"""

from collections.abc import Awaitable, Callable, Mapping

from llmconfig.client.recording.recorders import Texts
from llmconfig.client.types import Call, CallRecord, Cascaded, Generation
from llmconfig.configuration.facts import CascadeFacts
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.runtime.records import replace

BESIDE = "cascade_for"  # of a record: the node for whose cascade it was made beside the answer
Ask = Callable[[Call], Awaitable[Generation]]  # one call; its record waits for the cascade's end
Steer = Callable[[Call, CascadeFacts, Ask], Awaitable[Generation]]
_steering: list[Steer] = []


def register(steer: Steer) -> None:
    """Have it answer single calls of nodes with a cascade."""
    _steering[:] = [steer]


def of_call(call: Call, configuration: Snapshot) -> tuple[Steer, CascadeFacts] | None:
    """Who steers a call, and by which terms; None where no cascade is asked for.

    A caller that names a model gets that one.
    """
    if not call.cascades or not _steering or call.given.get("model"):
        return None
    facts = facts_of(call, configuration)
    return None if facts is None else (_steering[0], facts)


def facts_of(call: Call, configuration: Snapshot) -> CascadeFacts | None:
    """The cascade of the node that a call names."""
    node = configuration.nodes.get(call.node)
    return None if node is None else node.cascade


def told(
    records: list[tuple[CallRecord, Texts]], made: Generation | None
) -> list[tuple[CallRecord, Texts]]:
    """The records of a cascade's calls with what it did, among the caller's own pairs.

    The record of the answer is the answer's own, which may have got the caller's id by now.
    """
    if made is None or made.cascade is None:
        return records
    pairs, answer = in_pairs(made.cascade), made.record
    beside = {**pairs, BESIDE: answer.node}
    return [
        (_with(answer, pairs) if record.id == answer.id else _with(record, beside), texts)
        for record, texts in records
    ]


def in_pairs(cascaded: Cascaded) -> Mapping[str, str]:
    """What a cascade did, as its calls' records tell it."""
    pairs = {"cascade": cascaded.way}
    if cascaded.score is not None:
        pairs["cascade_score"] = f"{cascaded.score:.4f}"
    return pairs


def _with(record: CallRecord, pairs: Mapping[str, str]) -> CallRecord:
    metadata = {**(record.labels.metadata or {}), **pairs}
    return replace(record, labels=replace(record.labels, metadata=metadata))

"""Where call records go: whoever stores them registers here, so that llmconfig knows no store."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from msgspec import Struct

from llmconfig.client.types import CallRecord

logger = logging.getLogger(__name__)


class Texts(Struct, frozen=True):
    """What was said in a call; kept apart from the record, which never holds texts."""

    prompt: str
    answer: str
    tool_calls: tuple[Mapping[str, Any], ...] = ()  # as OpenAI writes them, arguments included


Batch = Sequence[tuple[CallRecord, Texts]]
Recorder = Callable[[CallRecord, Texts], None]
BatchRecorder = Callable[[Batch], None]
_recorders: list[Recorder] = []
_batch_recorders: dict[Recorder, BatchRecorder] = {}
_text_keepers: dict[Recorder, Callable[[], bool]] = {}


def register(
    recorder: Recorder,
    *,
    many: BatchRecorder | None = None,
    keeps_texts: Callable[[], bool] | None = None,
) -> None:
    """Have every record that isn't collected by a batch handed to `recorder` (synchronously,
    outside the event loop); `many` takes several at once. `keeps_texts` says whether it stores
    prompts and answers, as without it. Registering twice has no further effect.
    """
    if recorder not in _recorders:
        _recorders.append(recorder)
    if many is not None:
        _batch_recorders[recorder] = many
    if keeps_texts is not None:
        _text_keepers[recorder] = keeps_texts


def keep_texts() -> bool:
    """Whether any recorder stores prompts and answers."""
    return any(each not in _text_keepers or _text_keepers[each]() for each in _recorders)


def enabled() -> bool:
    """Whether any recorder is registered, so that records are stored."""
    return bool(_recorders)


@contextmanager
def paused() -> Iterator[None]:
    """Have nothing stored in the block, in the whole process: for tests."""
    before, _recorders[:] = _recorders[:], []
    try:
        yield
    finally:
        _recorders[:] = before


def publish(record: CallRecord, texts: Texts) -> None:
    """Hand a record on. A recorder's failure is logged and never fails the call it tells of."""
    for recorder in _recorders:
        try:
            recorder(record, texts)
        except Exception:
            logger.exception("The record of call %s could not be stored.", record.correlation_id)


def publish_many(batch: Batch) -> None:
    """Hand several records on. Raises the database's errors: the caller may try again."""
    for recorder in _recorders:
        together = _batch_recorders.get(recorder)
        if together is not None:
            together(batch)
            continue
        for record, texts in batch:
            recorder(record, texts)

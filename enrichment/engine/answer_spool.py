"""Answers that are paid for and not yet written, on the disk of the lane's machine.

An answer is appended to its chunk's file before the lane sees it. Who takes the chunk over, after a
kill, a refused write or a lost database, finds it there and writes it instead of asking again. The
file is gone when the chunk is settled. It survives the process, and a restart of the machine if
LLM_SPOOL_DIR does; it isn't forced to the disk, so a machine that loses its power may lose some.
"""

import logging
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

from msgspec import Struct

from enrichment.cascades.steering import Decided
from enrichment.engine import machine_files
from enrichment.facts.store import FactAnswer
from enrichment.models import ResultState
from enrichment.quality.findings import GateFinding
from llmconfig import project_settings
from llmconfig.client.recording.disk_format import line_of, read_line, taken_up, to_keep
from llmconfig.client.recording.recorders import Texts
from llmconfig.client.types import CallRecord
from llmconfig.runtime import database_clock
from llmconfig.runtime.records import replace
from metrics.quality.parts import CheckResults

logger = logging.getLogger(__name__)

STALE_SECONDS = 7 * 24 * 3600
ENDING = ".answers"


class KeptAnswer(Struct, frozen=True):
    """One row's answer as it was judged; `facts` by the names of their sources.

    The last four: how the row went through a cascade, the calls beside the answer's, whether the
    answer is the cheap model's while the dear one is still asked, whether a judge found it good.
    """

    row_id: str
    input_hash: str
    prompt_version: int | None
    state: ResultState
    value: Any
    reason: str
    findings: tuple[GateFinding, ...]
    suggestion: Any
    confidence: float | None
    confidence_source: str
    record: CallRecord
    texts: Texts | None
    retriable: bool
    check_results: CheckResults
    facts: tuple[tuple[str, FactAnswer], ...]
    decided: Decided | None = None
    beside: tuple[tuple[CallRecord, Texts], ...] = ()
    unfinished: bool = False
    judged_good: bool = False


class AnswerSpool:
    """One lane's kept answers; a chunk's file stays open until the chunk is settled."""

    def __init__(self) -> None:
        self._folder = _folder()
        self._open: dict[int, int] = {}  # by the lease's number, which is hashed sooner
        if self._folder is not None:
            machine_files.sweep(self._folder, older_s=STALE_SECONDS, ending=ENDING)

    def keep(self, token: UUID, answer: KeptAnswer) -> None:
        """Keep an answer of the chunk with this lease. A disk that refuses it is logged."""
        if self._folder is None:
            return
        try:
            line = line_of(_dated(answer, to_keep))
            file = self._open.get(token.int)
            if file is None:
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
                file = os.open(self._folder / _name(token), flags, 0o600)
                self._open[token.int] = file
            _append(file, line)
        except (OSError, TypeError, ValueError) as error:
            logger.warning("An answer is only in memory until it is written: %s.", error)

    def drop(self, tokens: Iterable[UUID]) -> None:
        """Forget the answers of these leases: they are written, or somebody else's."""
        tokens = list(tokens)
        self._let_go([token.int for token in tokens])
        drop(tokens)

    def close(self) -> None:
        """Leave the files for the one who takes their chunks over."""
        self._let_go(list(self._open))

    def _let_go(self, leases: Iterable[int]) -> None:
        for lease in leases:
            file = self._open.pop(lease, None)
            if file is not None:
                os.close(file)


def _append(file: int, line: bytes) -> None:
    """Write all of it or nothing: of a full disk a part may come, and would tear the next line."""
    written = 0
    try:
        while written < len(line):
            written += os.write(file, line[written:])
    except OSError:
        with suppress(OSError):
            os.ftruncate(file, os.fstat(file).st_size - written)
        raise


def kept(token: UUID) -> tuple[KeptAnswer, ...]:
    """The answers that this machine keeps of a lease; none on other machines."""
    folder = _folder()
    if folder is None:
        return ()
    try:
        lines = (folder / _name(token)).read_bytes().splitlines()
    except OSError:
        return ()
    return tuple(each for line in lines if (each := _read(line)) is not None)


def _read(line: bytes) -> KeptAnswer | None:
    try:
        return _dated(read_line(KeptAnswer, line), taken_up)
    except ValueError as error:  # cut by a full disk, or of another release
        logger.warning("A kept answer can't be read: %s", error)
        return None


def _dated(answer: KeptAnswer, dated: Callable[[CallRecord], CallRecord]) -> KeptAnswer:
    """With the dates of its calls by another clock, where this process's isn't right."""
    if database_clock.is_right():
        return answer
    record = dated(answer.record)
    if record is answer.record:
        return answer
    return replace(
        answer,
        record=record,
        beside=tuple((dated(each), texts) for each, texts in answer.beside),
    )


def share(token: UUID, other: UUID) -> None:
    """Have the file of a lease be that of another one too, which takes its chunk over."""
    folder = _folder()
    if folder is not None:
        with suppress(OSError):
            os.link(folder / _name(token), folder / _name(other))


def drop(tokens: Iterable[UUID]) -> None:
    """Forget the answers of these leases: they are written, or somebody else's."""
    folder = _folder()
    if folder is None:
        return
    for token in tokens:
        with suppress(OSError):
            (folder / _name(token)).unlink(missing_ok=True)


def _name(token: UUID) -> str:
    return f"{token.hex}{ENDING}"


def _folder() -> Path | None:
    return machine_files.own_folder("nodewise-spool", configured=project_settings.spool_dir())

"""Call records of the endpoint: written in batches by one thread a process, off the requests' way.

A record waits at most about half a second. Where more wait than `MAX_WAITING`, a request writes
before it ends, rather than that one is dropped. What a killed process (SIGKILL) had not written is
lost; an ordinary end writes all.
"""

import atexit
import logging
import os
import threading
import time
from collections import deque

from asgiref.sync import sync_to_async
from django.db import Error, close_old_connections, connections

from llmconfig.client.recording import recorders
from llmconfig.client.recording.recorders import Texts
from llmconfig.client.types import CallRecord
from llmconfig.gateway import access

logger = logging.getLogger(__name__)

EVERY_SECONDS = 0.5
MAX_WAITING = 5_000
MAX_BATCH_ROWS = 1_000
TRIES = 20  # of writes that the database refuses, EVERY_SECONDS apart


class Writer:
    """The queue and its thread, which starts with the first record."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[CallRecord, Texts]] = deque()
        self._one_at_a_time = threading.Lock()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._pid = 0
        self._failures = 0

    def take(self, record: CallRecord, texts: Texts) -> None:
        """Have a record written soon; never blocks."""
        self._waiting.append((record, texts))
        if self._pid != os.getpid():
            self._start()

    @property
    def is_full(self) -> bool:
        """Whether so many wait that a request should write some before it ends."""
        return len(self._waiting) > MAX_WAITING

    async def relieve(self) -> None:
        """Write some before going on."""
        await sync_to_async(self._write_in_thread)()

    def flush(self) -> None:
        """Write all that waits."""
        self._ending.set()
        if self._thread is not None and self._pid == os.getpid():
            self._thread.join(EVERY_SECONDS * 4)
        self._write_all()

    def _start(self) -> None:
        """In this process; a fork leaves the thread behind, and what waited to the parent."""
        if self._pid:
            self.__init__()  # type: ignore[misc]  # everything anew, locks too
        self._pid = os.getpid()
        self._thread = threading.Thread(target=self._serve, name="gateway-records", daemon=True)
        self._thread.start()
        atexit.register(self.flush)

    def _serve(self) -> None:
        while not self._ending.wait(EVERY_SECONDS):
            try:
                self._write_in_thread()
                access.write_last_used()
            except Error:
                logger.exception("Waiting for the database; %d records wait.", len(self._waiting))
        connections.close_all()

    def _write_in_thread(self) -> None:
        close_old_connections()  # no request begins or ends in this thread
        while self._waiting:
            if not self._write_some():
                return

    def _write_all(self) -> None:
        ends = time.monotonic() + EVERY_SECONDS * TRIES
        while self._waiting and time.monotonic() < ends:
            if not self._write_some():
                time.sleep(EVERY_SECONDS)
        try:
            access.write_last_used(at_once=True)
        except Error:
            logger.exception("When keys were last used could not be stored.")
        connections.close_all()

    def _write_some(self) -> bool:
        """Write one batch; false if the database would not have it yet."""
        with self._one_at_a_time:
            size = min(len(self._waiting), MAX_BATCH_ROWS)
            batch = [self._waiting.popleft() for _ in range(size)]
            try:
                recorders.publish_many(batch)
            except Error:
                self._failures += 1
                if self._failures < TRIES:
                    self._waiting.extendleft(reversed(batch))
                    logger.exception("%d call records could not be stored yet.", size)
                    return False
                _write_each(batch)  # one of them may be what the database refuses
            except Exception:  # our own mistake: the thread and the other records outlive it
                logger.exception("%d call records could not be stored together.", size)
                _write_each(batch)
            self._failures = 0
            return True


def _write_each(batch: recorders.Batch) -> None:
    for record, texts in batch:
        recorders.publish(record, texts)


writer = Writer()

"""Call records of the endpoint: written in batches by one thread a process, off the requests' way.

A record waits at most about half a second. Where the database can't be reached, or more wait than
`MAX_WAITING`, they go to a journal on disk (`journal`), which is written back when the database
answers again. So what a killed process (SIGKILL) loses is what the disk hadn't yet; an ordinary end
loses nothing.
"""

import asyncio
import atexit
import logging
import os
import threading
import time
from collections import deque

from django.db import (
    Error,
    InterfaceError,
    OperationalError,
    close_old_connections,
    connection,
    connections,
)

from llmconfig.client.recording import recorders
from llmconfig.client.recording.recorders import Batch, Texts
from llmconfig.client.types import CallRecord
from llmconfig.gateway import access
from llmconfig.gateway.journal import Journal

logger = logging.getLogger(__name__)

EVERY_SECONDS = 0.5
MAX_WAITING = 5_000
MAX_BATCH_ROWS = 1_000
TRIES = 20  # of writes that the database refuses, EVERY_SECONDS apart
MAX_WRITE_SECONDS = 2.0  # of one write; during a slower one, what waits goes to the disk
END_SECONDS = 5.0  # for the database, at the process's end
LOOK_FOR_LEFT_SECONDS = 30.0  # at what other processes left on the disk


class Writer:
    """The queue and its thread, which starts with the first record or at the server's start."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[CallRecord, Texts]] = deque()
        self._in_hand: Batch = ()  # of the write that is under way
        self._kept: Batch = ()  # what was in hand when it went to the disk as well
        self._busy_since = 0.0  # with one batch or question, if it is
        self._spilling = threading.Lock()
        self._taking = threading.Lock()  # records out of the queue
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._pid = 0
        self._failures = 0
        self._journal = Journal()
        self._looked_for_left = 0.0

    def take(self, record: CallRecord, texts: Texts) -> None:
        """Have a record written soon; never blocks."""
        self._waiting.append((record, texts))
        if self._pid != os.getpid():
            self.start()

    @property
    def is_full(self) -> bool:
        """Whether so many wait that a request should have some on the disk before it ends."""
        return len(self._waiting) > MAX_WAITING

    async def relieve(self) -> None:
        """Have what waits on the disk before going on."""
        await asyncio.to_thread(self._spill)

    def start(self) -> None:
        """Begin to write, in this process; what another one left on the disk too.

        Also after a `flush`, as in a process whose server begins and ends more than once. A fork
        leaves the thread behind, and what waited to the parent.
        """
        if self._pid == os.getpid() and not self._has_ended:
            return
        if self._pid not in {0, os.getpid()}:
            waiting = list(self._waiting)[-1:]  # what this process has just brought
            self.__init__()  # type: ignore[misc]  # everything anew, locks too
            self._waiting.extend(waiting)
        self._pid = os.getpid()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="gateway-records", daemon=True)
        self._thread.start()
        keep = threading.Thread(
            target=self._keep, args=[self._ending], name="gateway-journal", daemon=True
        )
        keep.start()
        atexit.unregister(self.flush)
        atexit.register(self.flush)

    @property
    def _has_ended(self) -> bool:
        return self._ending.is_set() and self._thread is not None and not self._thread.is_alive()

    def flush(self) -> None:
        """Write all that waits, to the disk if the database doesn't take it in time."""
        self._ending.set()
        if self._thread is not None and self._pid == os.getpid():
            self._thread.join(END_SECONDS)
            if self._waiting and not self._thread.is_alive():
                self._go_round()  # what came after the thread's end
        self._spill()

    # In the thread

    def _serve(self) -> None:
        while not self._ending.wait(EVERY_SECONDS):
            self._go_round()
        self._go_round()
        if self._waiting:
            self._spill()
        connections.close_all()

    def _go_round(self) -> None:
        self._busy_since = time.monotonic()
        try:
            close_old_connections()  # no request begins or ends in this thread
            self._write_waiting()
            self._write_journal()
            access.write_last_used(at_once=self._ending.is_set())
        except (OperationalError, InterfaceError) as error:
            logger.warning("The database is away (%s): records go to the disk.", _named(error))
            self._spill()
        except OSError:
            logger.exception("The journal of call records can't be read or written.")
        except Error:
            logger.exception("%d call records wait for the database.", len(self._waiting))
        except Exception:  # our own mistake or the project's: the thread outlives it
            logger.exception("A round broke off; %d call records wait.", len(self._waiting))
        finally:
            self._busy_since = 0.0

    def _write_waiting(self) -> None:
        """Write what waits now; who comes meanwhile waits for the next round.

        Under load somebody always does, and a transaction for a few rows costs as much as for many.
        """
        due = len(self._waiting)
        while due > 0 or self._is_pressed:
            self._in_hand = self._taken(MAX_BATCH_ROWS)
            due -= len(self._in_hand)
            try:
                self._write(self._in_hand)
            except Exception:
                self._waiting.extendleft(reversed(self._in_hand))
                raise
            finally:
                self._in_hand = ()

    @property
    def _is_pressed(self) -> bool:
        """Whether more is to be written without a pause."""
        return len(self._waiting) >= (1 if self._ending.is_set() else MAX_BATCH_ROWS)

    def _taken(self, most: int) -> list[tuple[CallRecord, Texts]]:
        with self._taking:
            return [self._waiting.popleft() for _ in range(min(len(self._waiting), most))]

    def _write_journal(self) -> None:
        connection.ensure_connection()  # or each round would read the disk for nothing
        self._journal.write_back(self._write)
        now = time.monotonic()
        if not self._looked_for_left or now - self._looked_for_left > LOOK_FOR_LEFT_SECONDS:
            at_the_start = not self._looked_for_left
            self._looked_for_left = now
            self._journal.write_back_left(self._write, refused=at_the_start)

    def _write(self, batch: Batch) -> None:
        """Write one batch; raises the database's errors while another try may fare better."""
        self._busy_since = time.monotonic()
        try:
            recorders.publish_many(batch)
        except (OperationalError, InterfaceError):
            raise
        except Error:
            self._failures += 1
            if self._failures < TRIES and not self._ending.is_set():
                raise
            self._write_each(batch)  # one of them may be what the database refuses
        except Exception:  # our own mistake: the thread and the other records outlive it
            logger.exception("%d call records could not be stored together.", len(batch))
            self._write_each(batch)
        self._failures = 0

    def _write_each(self, batch: Batch) -> None:
        """One by one; raises only where the database is away, and keeps what it refuses."""
        refused = []
        for each in batch:
            try:
                recorders.publish_many([each])
            except (OperationalError, InterfaceError):
                raise  # those that are written already are passed over the next time
            except Error:
                logger.exception("The record of call %s is refused.", each[0].correlation_id)
                refused.append(each)
            except Exception:  # noqa: BLE001 - as above; this logs it
                recorders.publish(*each)
        if refused:
            self._journal.set_aside(refused)

    # The disk

    def _keep(self, ending: threading.Event) -> None:
        """In a thread of its own: while the database is slow to take a write, the disk has it."""
        while not ending.wait(EVERY_SECONDS):
            since = self._busy_since
            if since and time.monotonic() - since > MAX_WRITE_SECONDS:
                self._spill()

    def _spill(self) -> None:
        """Have all that waits on the disk; what is in hand too, lest the process end with it."""
        with self._spilling:
            held = self._in_hand
            in_hand = [] if held is self._kept else list(held)
            batch = [*in_hand, *self._taken(len(self._waiting))]
            if not batch:
                return
            try:
                self._journal.append(batch)
                self._kept = held
            except Exception:  # mostly the disk's; the threads outlive any other
                self._waiting.extendleft(reversed(batch[len(in_hand) :]))
                logger.exception("%d call records can't be kept on the disk.", len(batch))


def _named(error: Exception) -> str:
    return type(error).__name__


writer = Writer()

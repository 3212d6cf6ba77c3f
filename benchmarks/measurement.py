"""One measurement: the facts of a run and the figures that follow from them."""

import resource
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from statistics import median
from typing import ClassVar

LATENCY_SECONDS = 0.2
KB_IN_MB = 1024


@dataclass(frozen=True, slots=True)
class Measurement:
    """A run of `rows` calls with `in_flight` at a time, in a process of its own.

    CPU is user and system time of the whole process, all threads. Memory is in MB: `memory_before`
    what the process took with everything imported, `memory_peak` the most that it ever took.
    """

    in_flight: int
    rows: int
    seconds: float
    cpu_seconds: float
    memory_before: float
    memory_peak: float

    @property
    def rows_per_second(self) -> float:
        return self.rows / self.seconds

    @property
    def efficiency(self) -> float:
        """Rows per second over what the provider's latency allows."""
        return self.rows_per_second * LATENCY_SECONDS / self.in_flight

    @property
    def cpu_ms_per_row(self) -> float:
        return self.cpu_seconds * 1000 / self.rows

    @property
    def memory_grown(self) -> float:
        """MB that the run itself needed."""
        return self.memory_peak - self.memory_before


class Stopwatch:
    """Takes elapsed and CPU time of a block, and the process's memory before and after.

    `around` is entered with each block, for who looks at it besides.
    """

    around: ClassVar[Callable[[], AbstractContextManager[object]]] = nullcontext

    def __init__(self) -> None:
        self.seconds = 0.0
        self.cpu_seconds = 0.0
        self.memory_before = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        self.memory_before = _memory_peak()
        with type(self).around():
            used, began = time.process_time(), time.perf_counter()
            yield
            self.seconds = time.perf_counter() - began
            self.cpu_seconds = time.process_time() - used

    def measurement(self, *, in_flight: int, rows: int) -> Measurement:
        """What was measured, for this many rows."""
        return Measurement(
            in_flight=in_flight,
            rows=rows,
            seconds=self.seconds,
            cpu_seconds=self.cpu_seconds,
            memory_before=self.memory_before,
            memory_peak=_memory_peak(),
        )


def _memory_peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KB_IN_MB


def middle(runs: Sequence[Measurement]) -> Measurement:
    """The median of each fact over repeated runs."""
    facts = [asdict(each) for each in runs]
    medians = {name: median(each[name] for each in facts) for name in facts[0]}
    return Measurement(**{**medians, "in_flight": runs[0].in_flight, "rows": runs[0].rows})

"""The response cache's part in this process: packed answers by key, with a time and a bound."""

import threading
import time
from collections import OrderedDict


class LocalCache:
    """The process's own answers, least recently used first; for all its threads."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.answers: OrderedDict[bytes, tuple[float, bytes]] = OrderedDict()
        self.epoch = b""
        self.hits = self.misses = self.saved = self.unpriced = 0

    def get(self, key: bytes) -> bytes | None:
        """The packed answer under a key; None if there is none or its time is over."""
        with self.lock:
            held = self.answers.get(key)
            if held is None:
                return None
            if held[0] < time.monotonic():
                del self.answers[key]
                return None
            self.answers.move_to_end(key)
            return held[1]

    def put(self, key: bytes, value: bytes, *, seconds: float, most: int) -> None:
        """Keep a packed answer for so long, and drop the least recently used beyond `most`."""
        with self.lock:
            self.answers[key] = (time.monotonic() + seconds, value)
            self.answers.move_to_end(key)
            while len(self.answers) > most:
                self.answers.popitem(last=False)

    def go_by(self, epoch: bytes) -> None:
        """Forget all answers if the cache's epoch has changed, which clearing it does."""
        with self.lock:
            if epoch != self.epoch:
                self.epoch = epoch
                self.answers.clear()

    def clear(self) -> None:
        """Forget all answers; the counters stay."""
        with self.lock:
            self.answers.clear()


local = LocalCache()

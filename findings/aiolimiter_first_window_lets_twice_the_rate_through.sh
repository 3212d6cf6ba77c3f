#!/bin/sh
# Package: aiolimiter 1.3.0 (PyPI), AsyncLimiter(max_rate, time_period): the usual limiter in front of a model's API in asyncio.
# Behaviour seen: with AsyncLimiter(60, 60) and always somebody waiting, 119 calls start within the first 60 s and 60 in each
#   minute after it. It is a bucket that leaks while it is filled: 60 go at once, and one more each second. The same comes back
#   after each quiet minute, in any 60 s around a pause of that length. The clock is a stand-in, so that minutes pass at once.
# One would guess: at most 60 calls in any 60 s, as "a maximum of max_rate per time_period" reads, and as a provider counts that
#   answers 429 from the 61st request of a minute on.
# Why it matters: a worker that was set to exactly the provider's requests a minute is refused in its first minute, and again after
#   each pause; its retries take places of the next minute. Half the provider's figure as max_rate, or a shorter period, holds.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq aiolimiter==1.3.0
cat > "$work/program.py" <<'PY'
import asyncio
import sys
from importlib.metadata import version

from aiolimiter import AsyncLimiter

RATE, PERIOD = 60, 60


class Loop(asyncio.SelectorEventLoop):
    """A loop whose clock goes on to the next timer at once."""

    now = 0.0

    def time(self):
        return self.now

    def _run_once(self):
        if not self._ready and self._scheduled:
            self.now = max(self.now, self._scheduled[0].when())
        super()._run_once()


async def main():
    limiter, loop, began = AsyncLimiter(RATE, PERIOD), asyncio.get_running_loop(), []

    async def calls(seconds):
        until = loop.time() + seconds
        while loop.time() < until:
            await limiter.acquire()
            began.append(loop.time())

    await calls(3 * PERIOD)
    minutes = [sum(n * PERIOD <= at < (n + 1) * PERIOD for at in began) for n in range(3)]
    await asyncio.sleep(PERIOD)
    quiet_until = loop.time()
    await calls(PERIOD)
    return minutes, sum(quiet_until <= at < quiet_until + PERIOD for at in began)


loop = Loop()
minutes, after_a_pause = loop.run_until_complete(main())
print(f"aiolimiter {version('aiolimiter')}, AsyncLimiter({RATE}, {PERIOD})")
print("calls begun in the first three minutes:", minutes, "- in the minute after a quiet one:", after_a_pause)
if not (minutes[0] >= 1.9 * RATE and after_a_pause >= 1.9 * RATE and all(each <= RATE + 1 for each in minutes[1:])):
    sys.exit("changed: the first window holds another number of calls now")
print("as described: nearly twice the rate in a window that follows a pause")
PY
"$work/venv/bin/python" "$work/program.py"

#!/bin/sh
# Packages: limits 5.8.0 and throttled-py 3.5.0 (PyPI), with a model's tokens as the cost of a call; both in memory.
# Behaviour seen: 10,000 tokens a day. A call of 12,000 is refused, rightly; then ten calls of 100 come. With the fixed windows of
#   both libraries all ten are refused until the window ends, though not one token was used: a refused cost is deducted too. With
#   limits' moving window and sliding counter, and with throttled-py's token bucket and GCRA, all ten pass. throttled-py's sliding
#   window refuses them too, if the large call is the first of its window, and lets them pass if a small one came before it.
# One would guess: what is refused isn't used. hit() of limits says so: it tells whether the cost could be deducted.
# Why it matters: requests of cost 1 hide it, for they are refused only when the window is full. With tokens one prompt that's too
#   long for the quota shuts out everyone who shares it, for a minute or a day, while the provider's own limit is untouched; a row
#   that is tried again after each refusal keeps the window shut for good.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq limits==5.8.0 throttled-py==3.5.0
cat > "$work/program.py" <<'PY'
import sys
from importlib.metadata import version

from limits import RateLimitItemPerDay
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter, SlidingWindowCounterRateLimiter
from throttled import RateLimiterType, Throttled, rate_limiter, store

DAY = RateLimitItemPerDay(10_000)


def of_limits(strategy):
    limiter = strategy(MemoryStorage())
    return lambda tokens: limiter.hit(DAY, "gpt", cost=tokens)


def of_throttled(kind):
    quota = rate_limiter.per_day(10_000, burst=10_000)
    limiter = Throttled(key="gpt", using=kind.value, quota=quota, store=store.MemoryStore())
    return lambda tokens: not limiter.limit(cost=tokens).limited


def admitted(ask, before):
    """How many of ten calls of 100 tokens pass after one of 12,000, which comes first or after a call of 100."""
    if before:
        assert ask(100)
    assert not ask(12_000)
    return sum(ask(100) for _ in range(10))


seen = {}
for library, make, kinds in (
    ("limits", of_limits, (FixedWindowRateLimiter, MovingWindowRateLimiter, SlidingWindowCounterRateLimiter)),
    ("throttled-py", of_throttled, [k for k in RateLimiterType if k.name != "LEAKING_BUCKET"]),
):
    print(library, version(library))
    for kind in kinds:
        name = getattr(kind, "name", getattr(kind, "__name__", ""))
        seen[name] = admitted(make(kind), before=False), admitted(make(kind), before=True)
        print(f"  {name:32} admits of ten small calls: {seen[name][0]:2} after the large one, {seen[name][1]:2} if a small one came first")
EXPECTED = {
    "FixedWindowRateLimiter": (0, 0),
    "MovingWindowRateLimiter": (10, 10),
    "SlidingWindowCounterRateLimiter": (10, 10),
    "FIXED_WINDOW": (0, 0),
    "SLIDING_WINDOW": (0, 10),
    "TOKEN_BUCKET": (10, 10),
    "GCRA": (10, 10),
}
if seen != EXPECTED:
    sys.exit("changed: refused costs are deducted in another way now")
print("as described: a fixed window deducts what it refuses")
PY
"$work/venv/bin/python" "$work/program.py"

"""How often Python looks for cyclic garbage in a process that runs lanes.

Hundreds of calls in flight are many young objects that soon go by themselves. Left alone, the
collector takes them for growth and walks through all of Django several times a second: a third of a
call's CPU, and pauses of 50 to 100 ms for every call in flight.
"""

import gc
from functools import cache

YOUNG_OBJECTS = 50_000
GENERATIONS = (20, 20)


@cache
def collect_seldom() -> None:
    """Leave what is loaded by now out of collections, and start them later; once per process."""
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *GENERATIONS)

"""`python -m benchmarks.storage`: how many bytes of PostgreSQL a row of a batch takes.

Works off a batch and compares the sizes of all tables before and after, with their indexes and
TOAST, partitions added to their table. Prints the table that docs/scaling.md quotes. Needs an empty
database in DATABASE_URL:

    python -m project.embedded --ephemeral --llm none -- python -m benchmarks.storage
"""

import argparse
import os
import sys
from collections.abc import Mapping

import django

ROWS = 4_000
MIN_SHOWN = 5  # bytes a row
# A partition counts as its table; VACUUM FULL has left nothing behind that isn't a row.
SIZES = """
SELECT coalesce(parent.relname, c.relname), sum(pg_total_relation_size(c.oid))
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
LEFT JOIN pg_class parent ON parent.oid = i.inhparent
WHERE c.relkind = 'r' GROUP BY 1
"""


def main() -> None:
    """Work off the batch and print bytes a row by table."""
    given = _arguments()
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    os.environ.setdefault("LLM_CACHE_ENABLED", "false")  # each row is its own question
    django.setup()
    from benchmarks import database
    from benchmarks.provider import simulator

    with simulator() as provider:
        database.prepare(provider.url)
        provider.control(latency_ms=0)
        database.multiply(given.rows)
        before = _sizes()
        _work_off(database.row_ids(given.rows))
        after = _sizes()
    print(table(before, after, given.rows))


def table(before: Mapping[str, int], after: Mapping[str, int], rows: int) -> str:
    """Bytes a row by table, the largest first, and their sum."""
    grown = {name: (size - before.get(name, 0)) / rows for name, size in after.items()}
    shown = sorted(((size, name) for name, size in grown.items() if size >= MIN_SHOWN))
    lines = [f"| `{name}` | {size:,.0f} |" for size, name in reversed(shown)]
    total = f"| together | {sum(grown.values()):,.0f} |"
    return "\n".join(["| table | bytes a row |", "| --- | ---: |", *lines, total])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.storage", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    return parser.parse_args()


def _sizes() -> dict[str, int]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM (FULL, ANALYZE)")
        cursor.execute(SIZES)
        return {name: int(size) for name, size in cursor.fetchall()}


def _work_off(ids: list[int]) -> None:
    from benchmarks.database import ENRICHMENT
    from enrichment.batches import creation
    from enrichment.engine.lanes import LaneEnd, run_lane

    batch = creation.create(ENRICHMENT, creation.Selection(ids=ids))
    while run_lane(batch.pk) == LaneEnd.MORE:
        pass
    batch.refresh_from_db()
    if batch.status != "completed":
        sys.exit(f"The batch is {batch.status}: {batch.status_reason}")


if __name__ == "__main__":
    main()

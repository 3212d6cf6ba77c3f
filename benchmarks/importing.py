"""`python -m benchmarks.importing`: how long 50,000 listings take to import.

Adds them, changes all of them, and imports them once more unchanged, beside the ORM's bulk_create
and bulk_update of 2,000 of them. Each round begins with an empty table. Needs an empty database in
DATABASE_URL, such as `python -m project.embedded --ephemeral` brings.
"""

import argparse
import csv
import gzip
import io
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import django

FIXTURE = Path(__file__).resolve().parent.parent / "fixtures" / "dogs.csv.gz"
MAX_RATIO = 2.0  # changing all may take this many times as long as adding all
ORM_ROWS, ORM_ROWS_TOGETHER = 2000, 500


def main() -> None:
    """Print the seconds of each step and the ratio of changing to adding."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    times: dict[str, list[float]] = {}
    for _ in range(given.rounds):
        for name, seconds in _round(given.rows):
            times.setdefault(name, []).append(seconds)
            print(f"{name}: {seconds:.2f} s", file=sys.stderr, flush=True)
    print(f"{given.rows:,} rows, seconds (median of {given.rounds})")
    for name, each in times.items():
        print(f"{name:32} {statistics.median(each):7.2f}   {min(each):.2f} to {max(each):.2f}")
    ratio = statistics.median(times["import: change all"]) / statistics.median(
        times["import: add all"]
    )
    print(f"\nChanging all takes {ratio:.2f} times as long as adding all; at most {MAX_RATIO}.")
    if ratio > MAX_RATIO:
        sys.exit(1)


def _round(rows: int) -> Iterator[tuple[str, float]]:
    from enrichment.listings.importing.importer import import_listings

    first, second = _file(rows, ""), _file(rows, " Changed.")
    _empty()
    for name, content in (("add all", first), ("change all", second), ("change none", second)):
        stream = io.BytesIO(content)
        yield f"import: {name}", _seconds(partial(import_listings, stream))
    yield from _by_orm()


def _file(rows: int, more: str) -> bytes:
    """The shipped listings over and over under other ids, each description with `more`."""
    with gzip.open(FIXTURE, "rt", encoding="utf-8", newline="") as file:
        shipped = list(csv.DictReader(file))
    text = io.StringIO()
    writer = csv.DictWriter(text, list(shipped[0]))
    writer.writeheader()
    for number in range(rows):
        row = shipped[number % len(shipped)]
        writer.writerow(
            row | {"id": f"{row['id']}-{number}", "description": row["description"] + more}
        )
    return text.getvalue().encode()


def _by_orm() -> Iterator[tuple[str, float]]:
    """What the ORM takes for rows that are in memory already, without reading a file."""
    from enrichment.listings.importing.comparison import STORED_FIELDS
    from enrichment.listings.models import Animal

    animals = list(Animal.objects.all()[:ORM_ROWS])
    _empty(organizations=False)
    for animal in animals:
        animal.pk = None
    yield (
        "ORM: bulk_create of 2,000",
        _seconds(lambda: Animal.objects.bulk_create(animals, ORM_ROWS_TOGETHER)),
    )
    for animal in animals:
        animal.description += " More."
    yield (
        "ORM: bulk_update of 2,000",
        _seconds(lambda: Animal.objects.bulk_update(animals, STORED_FIELDS, ORM_ROWS_TOGETHER)),
    )


def _empty(*, organizations: bool = True) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE animals RESTART IDENTITY CASCADE")
        if organizations:
            cursor.execute("TRUNCATE organizations RESTART IDENTITY CASCADE")


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()

"""`python -m benchmarks.admin`: how long the pages over calls take with millions of calls.

Makes calls over a year in an empty database (DATABASE_URL) on the server, with texts and their
index, opens each page and writes docs/performance-admin.md. `--again` measures in a database that
it has filled before, `--other PATH` the list of calls by another checkout too, in turn with this.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import django

from benchmarks.made_calls import fill

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "performance-admin.md"
SCRIPT = ROOT / "benchmarks" / "admin_pages.py"
MONTHS = 12
TEXT_DAYS = 31
GOAL_MS = 300
ROUNDS, TURNS = 3, 4  # of the list by two checkouts; a process opens it so often
CALLS = "/admin/metrics/generationmetric/"
TEXTS = "/admin/metrics/generationhistory/"
YEAR = "days=366"
Measured = Mapping[str, Any]


def main() -> None:
    """Make the calls, measure, print and write."""
    given = _arguments()
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    if connection.introspection.table_names() and not given.again:
        sys.exit("DATABASE_URL names a database that has tables; give an empty one, or --again.")
    call_command("migrate", verbosity=0)
    parts = [_made(given.rows), _contents(), *_table(_pages())]
    if given.other:
        parts += ["", *_beside(given.other)]
    print("\n".join(parts))
    if not given.no_document:
        DOCUMENT.write_text(_document(parts), encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.admin", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="calls over a year")
    parser.add_argument("--again", action="store_true", help="the calls are there already")
    parser.add_argument("--other", type=Path, help="another checkout, such as a git worktree")
    parser.add_argument("--no-document", action="store_true", help="print, write nothing")
    given = parser.parse_args()
    if given.other and not (given.other / "manage.py").is_file():
        parser.error(f"{given.other} is no checkout of this project.")
    return given


def _made(rows: int) -> str:
    """Calls, texts and sums, and the index of the texts."""
    from metrics import text_search

    made = fill(rows, months=MONTHS, text_days=TEXT_DAYS)
    began = time.perf_counter()
    built = list(text_search.build_index())
    if built:
        made += f"\nBuilding the index of the texts took {time.perf_counter() - began:.0f} s.\n"
    return made


def _contents() -> str:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        counts = []
        for what in ("sum(calls) FROM llm_metrics_daily", "count(*) FROM llm_generation_history"):
            cursor.execute(f"SELECT {what}")
            counts.append(cursor.fetchone()[0])
        cursor.execute("SELECT pg_database_size(current_database())")
        (size,) = cursor.fetchone()
    return (
        f"{counts[0]:,} calls over {MONTHS} months and the texts of {counts[1]:,} of them, the last"
        f" {TEXT_DAYS} days', with their index, in {size / 1e9:.1f} GB.\n"
    )


def _pages() -> dict[str, str]:
    """What is opened, by its name in the table."""
    from metrics.models import GenerationHistory, GenerationMetric

    call = GenerationMetric.objects.order_by("-created_at")[1000]
    word = GenerationHistory.objects.order_by("-created_at")[1000].prompt_text.split()[-1]
    return {
        "list, last 7 days": CALLS,
        "list, last 12 months": f"{CALLS}?{YEAR}",
        "list, a second page, last 12 months": f"{CALLS}?{YEAR}&p=2",
        **_sorted(),
        **_filtered(str(call.session_id)),
        "search: id of a call, last 12 months": f"{CALLS}?{YEAR}&q={call.correlation_id}",
        "search: beginning of a node's name, last 12 months": f"{CALLS}?{YEAR}&q=node_",
        "search: a rare word of the texts, last 12 months": f"{CALLS}?{YEAR}&q=text:{word}",
        "search: a word of most texts, 7 days": f"{CALLS}?q=text:word9",
        "search: a word of most texts, last 12 months": f"{CALLS}?{YEAR}&q=text:word9",
        "search: a word of every tenth text, last 12 months": f"{CALLS}?{YEAR}&q=text:word115",
        "search: two such words, last 12 months": f"{CALLS}?{YEAR}&q=text:word115+word116",
        "CSV, first lines, last 7 days": f"{CALLS}calls.csv",
        "CSV, first lines, last 12 months": f"{CALLS}calls.csv?{YEAR}",
        "one call": f"{CALLS}{call.pk}/change/",
        "a session's timeline": f"{CALLS}session/{call.session_id}/",
        "prompts and answers, last 31 days": f"{TEXTS}?days=31",
        **_spending(),
        **{f"overview, {days} days": f"/admin/?days={days}" for days in (1, 7, 31, 92)},
    }


def _sorted() -> dict[str, str]:
    """By the places of the columns in the list."""
    return {
        f"list by {name}, {days} days": f"{CALLS}?days={days}&o=-{place}"
        for name, place in (("tokens", 4), ("cost", 5), ("latency", 6))
        for days in (7, 31, 366)
    }


def _filtered(session: str) -> dict[str, str]:
    filters = {
        "a node": "node=node_1", "a model": "model=model_2", "a provider": "by=provider_1",
        "failed": "outcome=failed", "unpriced": "outcome=unpriced", "an API key": "key=key_3",
        "a user": "user=17", "an organization": "organization=2", "a tag": "tag=tag_5",
        "a session": f"session={session}", "an experiment without calls": "experiment=none",
        "cost from $0.0099": "cost_from=0.0099", "latency from 2.9 s": "latency_from=2.9",
        "latency from 100 s, which none took": "latency_from=100",
    }  # fmt: skip
    return {
        f"filter: {name}, {days} days": f"{CALLS}?days={days}&{query}"
        for name, query in filters.items()
        for days in (7, 366)
    }


def _spending() -> dict[str, str]:
    spending = f"{CALLS}spending/"
    ways = (
        "day",
        "node",
        "model",
        "provider",
        "tier",
        "organization",
        "key",
        "user",
        "tag",
        "batch",
    )
    return {
        f"spending by {way}, {days} days": f"{spending}?by={way}&days={days}"
        for way in ways
        for days in (7, 31, 366)
    }


def _measure(checkout: Path, addresses: Sequence[str]) -> list[dict[str, Any]]:
    """The addresses as the checkout's own process serves them."""
    found = []
    with TemporaryFile("w+") as asked:
        json.dump(list(addresses), asked)
        asked.seek(0)
        with subprocess.Popen(
            [sys.executable, "-P", str(SCRIPT)],
            cwd=checkout,
            env=os.environ | {"PYTHONPATH": str(checkout.resolve())},
            stdin=asked,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            for line in process.stdout or ():
                found.append(json.loads(line))
                print(line, end="", file=sys.stderr)
    if process.returncode:
        sys.exit(f"{checkout} could not be measured.")
    return found


def _table(pages: Mapping[str, str]) -> Iterator[str]:
    """A line for each page."""
    yield (
        "| page | database, ms | longest query, ms | CPU, ms | server, ms | KB sent | KB of HTML"
        " | |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |"
    )
    refused, over = [], []
    for name, found in zip(pages, _measure(ROOT, list(pages.values())), strict=True):
        if found["status"] != 200:
            sys.exit(f"{found['address']} answered {found['status']}.")
        said = "asks to narrow it" if found["refused"] else ""
        if found["refused"]:
            refused.append(name)
        elif found["database_ms"] > GOAL_MS:
            over.append(name)
            said = "over the goal"
        yield (
            f"| {name} | {found['database_ms']:.1f} | {found['longest_ms']:.1f} |"
            f" {found['cpu_ms']:.0f} | {found['server_ms']:.0f} | {found['bytes'] / 1000:.0f} |"
            f" {found['unpacked'] / 1000:.0f} | {said} |"
        )
    yield (
        f"\nOf {len(pages)} pages {len(pages) - len(refused) - len(over)} are within {GOAL_MS} ms,"
        f" {len(refused)} ask to narrow what is asked for, {len(over)} take longer."
    )


def _beside(other: Path) -> Iterator[str]:
    """The list of calls by both checkouts, in turn."""
    pages = {"list of calls, 7 days": CALLS, "list of calls, 31 days": f"{CALLS}?days=31"}
    found: dict[tuple[str, str], list[Measured]] = {}
    for _ in range(ROUNDS):
        for side, checkout in (("other", other), ("this", ROOT)):
            names = list(pages) * TURNS
            looks = _measure(checkout, [pages[name] for name in names])
            for name, each in zip(names, looks, strict=True):
                found.setdefault((name, side), []).append(each)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=other, stdout=subprocess.PIPE, text=True,
        check=True,
    ).stdout.strip()  # fmt: skip
    yield f"| page | | {commit} | this | of {commit} |\n| --- | --- | ---: | ---: | ---: |"
    for name in pages:
        for label, what, unit in (
            ("server", "server_ms", "ms"), ("the server's CPU", "cpu_ms", "ms"),
            ("database", "database_ms", "ms"), ("sent", "bytes", "bytes"),
            ("HTML", "unpacked", "bytes"),
        ):  # fmt: skip
            middle = min if what == "cpu_ms" else statistics.median
            then, now = (
                middle([each[what] for each in found[name, side]]) for side in ("other", "this")
            )
            yield f"| {name} | {label}, {unit} | {then:,.0f} | {now:,.0f} | {now / then:.2f} |"


def _document(parts: Sequence[str]) -> str:
    from benchmarks import report

    said = (
        f"A page should take at most {GOAL_MS} ms in the database, or say how to narrow what is"
        " asked for: `LLM_CALLS_QUERY_MS` ends each query of a list. Database: what the process"
        " waited for all queries of the page, the way there included; server: the whole request"
        " without a socket, CPU: of this process. Means of two looks after a first one, of CPU"
        " the least; sent: to a browser that takes gzip."
    )
    command = " ".join(["python -m benchmarks.admin", *_without_paths(sys.argv[1:])])
    head = ["# The admin over many calls", "", f"`{command}` wrote this:", "", report.machine(), ""]
    return "\n".join([*head, said, "", *parts, ""])


def _without_paths(words: Sequence[str]) -> list[str]:
    return [f"<{Path(word).name}>" if "/" in word else word for word in words]


if __name__ == "__main__":
    main()

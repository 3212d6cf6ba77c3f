"""`python -m benchmarks`: measure ours and its peers in one go, print, write docs/performance.md.

Needs an empty database in DATABASE_URL; `make bench` brings one.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import django

from benchmarks import runs
from benchmarks.measurement import Measurement, middle
from benchmarks.peers import CURATOR, LITELLM, ROOT, Peer
from benchmarks.provider import Simulator, simulator

DOCUMENT = ROOT / "docs" / "performance.md"


def main() -> None:
    """Measure as the command line says."""
    given = _arguments()
    django.setup()
    # These need Django set up.
    from benchmarks import database, report

    with simulator() as provider:
        database.prepare(provider.url)
        on_what = report.machine()
        peers = [(name, count) for count in given.in_flight for name in ("lane", "sdk", "bare")]
        repeated: dict[tuple[str, int], list[Measurement]] = defaultdict(list)
        for turn in range(given.repeat):
            # Those that are compared run right after each other, for the machine's sake.
            for name, in_flight in [*peers, *([("one_by_one", 1)] if turn == 0 else [])]:
                rows = given.baseline_rows if name == "one_by_one" else given.rows
                provider.reset()
                measured = runs.measure(name, provider.url, rows=rows, in_flight=in_flight)
                _check_paid(name, provider, measured)
                _tell(name, measured, turn)
                repeated[name, in_flight].append(measured)
        if given.large:
            most = max(given.in_flight)
            database.multiply(max(given.large, given.peer_rows))
            for name, measured in _large(provider, given, in_flight=most):
                _check_paid(name, provider, measured)
                _tell(name, measured, 0)
                repeated[name, most].append(measured)
    medians = {key: middle(measurements) for key, measurements in repeated.items()}
    print("\n" + report.table(medians) + "\n\n" + report.ratios(medians) + "\n\n" + on_what)
    if given.quick:
        print("\nA quick run measures nothing: docs/performance.md stays as it was.")
        return
    DOCUMENT.write_text(
        report.document(
            medians,
            on=on_what,
            command=" ".join(["python -m benchmarks", *sys.argv[1:]]),
            repeat=given.repeat,
            baseline_rows=given.baseline_rows,
            peer_rows=given.peer_rows,
        ),
        encoding="utf-8",
    )
    print(f"\nWritten to {DOCUMENT}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rows", type=_count, default=2000, help="rows of a batch")
    parser.add_argument("--in-flight", type=_count, nargs="+", default=[50, 200])
    parser.add_argument("--repeat", type=_count, default=3, help="runs that make a median")
    parser.add_argument("--large", type=_number, default=100_000, help="rows of one more batch")
    parser.add_argument(
        "--peer-rows",
        type=_number,
        default=5000,
        help="calls of LiteLLM's router and of curator, which are installed for this; 0: neither",
    )
    parser.add_argument(
        "--quick", action="store_true", help="a few rows, to see that all runs; writes no document"
    )
    given = parser.parse_args()
    given.baseline_rows = min(given.rows, 200)
    if given.quick:
        given.rows, given.baseline_rows, given.in_flight, given.repeat = 60, 2, [20], 1
        given.large, given.peer_rows = 120, 0
    return given


def _number(text: str) -> int:
    return 0 if text == "0" else _count(text)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def _large(
    provider: Simulator, given: argparse.Namespace, *, in_flight: int
) -> Iterator[tuple[str, Measurement]]:
    """Ours over many rows, and peers over some of them."""
    provider.reset()
    yield "large", runs.measure("lane", provider.url, rows=given.large, in_flight=in_flight)
    if not given.peer_rows:
        return
    with TemporaryDirectory() as folder:
        asked = Path(folder) / "asked.json"
        _write_asked(asked, rows=given.peer_rows)
        for peer, name in ((LITELLM, "litellm_router"), (CURATOR, "curator")):
            provider.reset()
            yield (
                name,
                _measure_peer(peer, name, provider.url, asked=asked, in_flight=in_flight),
            )


def _check_paid(name: str, provider: Simulator, measured: Measurement) -> None:
    if provider.paid() != measured.rows:
        sys.exit(f"{name}: {provider.paid()} calls for {measured.rows} rows.")


def _write_asked(file: Path, *, rows: int) -> None:
    command = [sys.executable, "-m", "benchmarks.contestants", "bare", "--url", "none"]
    command += ["--rows", str(rows), "--in-flight", "1", "--asked", str(file)]
    subprocess.run(command, check=True)


def _measure_peer(peer: Peer, name: str, url: str, *, asked: Path, in_flight: int) -> Measurement:
    """The same with a peer's program, in its environment."""
    peer.install()
    command = [peer.program("python"), "-m", "benchmarks.peer_programs", name, "--url", url]
    command += ["--asked", str(asked), "--in-flight", str(in_flight)]
    files = str(peer.folder / "files")
    environment = peer.environment(
        PYTHONPATH=str(ROOT),
        CURATOR_CACHE_DIR=files,
        CURATOR_DISABLE_CACHE="1",
        CURATOR_DISABLE_RICH_DISPLAY="1",
        TELEMETRY_ENABLED="false",
        TIKTOKEN_CACHE_DIR=peer.vendored_tokens(),
    )
    try:
        return runs.run(name, command, environment)
    finally:
        shutil.rmtree(files, ignore_errors=True)


def _tell(name: str, run: Measurement, turn: int) -> None:
    print(
        f"{name:>10}  {run.in_flight:>4} in flight  run {turn + 1}:"
        f" efficiency {run.efficiency:.3f}, {run.cpu_ms_per_row:.3f} ms CPU a row,"
        f" {run.memory_peak:.0f} MB",
        flush=True,
    )


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    main()

"""What was measured of the gateways, and how it is told: tables, ratios and what is missed."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

PIECES = 200  # of a streamed answer
PROVIDER = "the provider itself"
FLOOR = "floor: raw ASGI and aiohttp, only forwarding"
DJANGO = "floor: Django's async view and aiohttp, only forwarding"
OURS = "**Nodewise**"
CROWDED = "Nodewise, 10,000 keys, 1,000 nodes, 200 budgets"
LITELLM, PORTKEY, TENSORZERO = "LiteLLM proxy", "Portkey gateway", "TensorZero embedded"


@dataclass(slots=True)
class LoadFigures:
    """What was measured of one contestant, a figure a round."""

    median_ms: list[float] = field(default_factory=list)
    added_ms: list[float] = field(default_factory=list)
    per_second: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    of_the_limit: list[float] = field(default_factory=list)
    piece_ms: list[float] = field(default_factory=list)  # CPU of a streamed piece
    streams_mb: list[float] = field(default_factory=list)  # that the streams took
    memory_mb: float = 0.0
    cores: dict[str, list[float]] = field(default_factory=dict)  # taken by each, 10 in flight

    def note_cores(self, cpu_seconds: Mapping[str, float], seconds: float) -> None:
        """How much of a core each process took while a load ran for so many seconds."""
        for name, taken in cpu_seconds.items():
            self.cores.setdefault(name, []).append(taken / seconds)


Figures = Mapping[str, LoadFigures]


def table(found: Figures, limit: str) -> str:
    """The loads of whole answers, a line for each contestant."""
    lines = [
        f"| what | latency added | requests/s, 10 in flight | CPU a request | {limit} | memory |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    middle = statistics.median
    for name, each in found.items():
        added = f"{middle(each.added_ms):.2f} ms"
        if name == PROVIDER:
            added = f"(takes {middle(each.median_ms):.2f})"
        lines.append(
            f"| {name} | {added} | {middle(each.per_second):,.0f} | {middle(each.cpu_ms):.2f} ms"
            f" | {middle(each.of_the_limit):.3f} | {each.memory_mb:.0f} MB |"
        )
    return "\n".join(lines)


def streams_table(found: Figures, count: int, pieces: int) -> str:
    """The streams, a line for each contestant that had them."""
    lines = [
        f"| {count} streams of {pieces} pieces at once | CPU a piece | memory they took |",
        "| --- | ---: | ---: |",
    ]
    for name, each in found.items():
        if each.piece_ms:
            cpu, memory = statistics.median(each.piece_ms), statistics.median(each.streams_mb)
            lines.append(f"| {name} | {cpu * 1000:.0f} µs | {memory:.0f} MB |")
    return "\n".join(lines)


def cores_table(found: Figures) -> str:
    """What capped each contestant: the share of a core that everybody took, 10 in flight."""
    names = list(found[FLOOR].cores)
    lines = [
        f"| of a core, 10 in flight | {' | '.join(f'the {name}' for name in names)} |",
        f"| --- |{' ---: |' * len(names)}",
    ]
    for contestant, each in found.items():
        if contestant != PROVIDER:
            shares = [f"{statistics.median(each.cores[name]):.2f}" for name in names]
            lines.append(f"| {contestant} | {' | '.join(shares)} |")
    return "\n".join(lines)


def goals(found: Figures) -> str:
    """The figures that are aimed at, each as the median of the rounds' ratios, with their range."""
    ours, floor = found[OURS], found[FLOOR]
    asked: list[tuple[str, list[float], str, float]] = [
        ("CPU a request, times the raw floor's", _ratios(ours.cpu_ms, floor.cpu_ms), "at most", 2),
        (
            "latency added, times the floor's",
            _ratios(ours.added_ms, floor.added_ms),
            "at most",
            1.6,
        ),
    ]
    if ours.piece_ms:
        ratios = _ratios(ours.piece_ms, floor.piece_ms)
        asked.append(("CPU a streamed piece, times the floor's", ratios, "at most", 2.5))
    if CROWDED in found:
        ratios = _ratios(found[CROWDED].cpu_ms, ours.cpu_ms)
        asked.append(("CPU a request in the crowd, times without it", ratios, "at most", 1.05))
    for peer, wanted in ((LITELLM, 25.0), (PORTKEY, 1.0), (TENSORZERO, 0.0)):
        if peer in found:
            ratios = _ratios(ours.per_second, found[peer].per_second)
            asked.append((f"requests a second, times those of {peer}", ratios, "at least", wanted))
    lines = [
        "| ratio, side by side in each round | median | rounds | aim | |",
        "| --- | ---: | --- | --- | --- |",
    ]
    for name, ratios, bound, wanted in asked:
        middle = statistics.median(ratios)
        met = middle <= wanted if bound == "at most" else middle >= wanted
        aim, word = (f"{bound} {wanted:g}", "met" if met else "missed") if wanted else ("none", "")
        span = f"{min(ratios):.2f} to {max(ratios):.2f}"
        lines.append(f"| {name} | {middle:.2f} | {span} | {aim} | {word} |")
    return "\n".join(lines)


def _ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    return [mine / other for mine, other in zip(ours, theirs, strict=True)]

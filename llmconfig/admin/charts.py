"""Bar charts drawn on the server as SVG, so that they need no script and follow the theme."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 640
HEIGHT = 160
TOP = 18
BOTTOM = 22
GAP = 0.3  # of a bar's slot


@dataclass(frozen=True, slots=True)
class Bar:
    """One value with its label; `shown` is the value as people read it."""

    label: str
    value: float
    shown: str


@dataclass(frozen=True, slots=True)
class DrawnBar:
    """A bar in the chart's own units."""

    x: float
    y: float
    width: float
    height: float
    middle: float
    bar: Bar


@dataclass(frozen=True, slots=True)
class BarChart:
    """What the template nodewise/bar_chart.html draws."""

    title: str
    bars: tuple[DrawnBar, ...]
    width: int = WIDTH
    height: int = HEIGHT
    baseline: int = HEIGHT - BOTTOM


def bar_chart(title: str, bars: Sequence[Bar]) -> BarChart:
    """Lay out the bars, the highest filling the height; all zero gives a flat line."""
    slot = WIDTH / max(len(bars), 1)
    highest = max((bar.value for bar in bars), default=0) or 1
    room = HEIGHT - TOP - BOTTOM
    drawn = []
    for position, bar in enumerate(bars):
        height = round(room * bar.value / highest, 2)
        drawn.append(
            DrawnBar(
                x=round(position * slot + slot * GAP / 2, 2),
                y=round(HEIGHT - BOTTOM - height, 2),
                width=round(slot * (1 - GAP), 2),
                height=height,
                middle=round(position * slot + slot / 2, 2),
                bar=bar,
            )
        )
    return BarChart(title=title, bars=tuple(drawn))

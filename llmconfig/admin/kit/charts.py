"""Charts drawn on the server as SVG: no script, the theme's colours, text that stays readable.

Shapes are stretched to the room there is, so labels are HTML beside them, never in the drawing.
"""

import math
from collections.abc import Callable, Sequence

from msgspec import Struct

STEP = 10  # a column's width in the drawing
HEIGHT = 100  # a drawing's height
GAP = 2  # between columns
MAX_LABELS = 7
FEWER_LABELS = 5  # once some are left out
TONES = 6  # colours before they repeat; the last one is for the rest
NOTHING = 1e-300  # below it floats have no power of ten any more
NICE = (1, 2, 4, 6, 10)  # their halves are as round


class Part(Struct, frozen=True):
    """One value of a stacked column. `said` is its text for people, `link` the rows behind it."""

    value: float
    tone: int
    said: str
    link: str = ""


class Column(Struct, frozen=True):
    """What stands at one place of the horizontal axis."""

    label: str
    parts: tuple[Part, ...]


class Block(Struct, frozen=True):
    """A part in the drawing's own units."""

    x: float
    y: float
    width: float
    height: float
    part: Part


class AxisPlace(Struct, frozen=True):
    """One place of the axis with all its values said, and the rows behind it."""

    label: str
    said: str
    link: str = ""


class Line(Struct, frozen=True):
    """A series over the places; None is a gap."""

    name: str
    tone: int
    values: tuple[float | None, ...]


class Path(Struct, frozen=True):
    """A series as SVG's path data; `is_dots`: only its values between gaps, drawn larger."""

    tone: int
    data: str
    is_dots: bool = False


class Area(Struct, frozen=True):
    """The whole height of one place: what is pointed at."""

    x: float
    width: float
    place: AxisPlace


class Chart(Struct, frozen=True):
    """What the template nodewise/chart.html draws. `ticks` are the vertical axis, highest first."""

    title: str
    width: int
    ticks: tuple[str, ...]
    labels: tuple[str, ...]
    blocks: tuple[Block, ...] = ()
    paths: tuple[Path, ...] = ()
    areas: tuple[Area, ...] = ()
    height: int = HEIGHT


def stacked(title: str, columns: Sequence[Column], *, tick: Callable[[float], str]) -> Chart:
    """Columns of parts, the first part at the bottom; `tick` says a value on the axis."""
    top = nice_top(max((sum(p.value for p in each.parts) for each in columns), default=0))
    blocks = []
    for number, column in enumerate(columns):
        below = 0.0
        for part in column.parts:
            height = HEIGHT * part.value / top
            if height:
                blocks.append(
                    Block(
                        x=number * STEP + GAP / 2,
                        y=round(HEIGHT - below - height, 3),
                        width=STEP - GAP,
                        height=round(height, 3),
                        part=part,
                    )
                )
            below += height
    return Chart(
        title,
        max(len(columns), 1) * STEP,
        _ticks(top, tick),
        _some([each.label for each in columns]),
        blocks=tuple(blocks),
    )


def lines(
    title: str, places: Sequence[AxisPlace], series: Sequence[Line], *, tick: Callable[[float], str]
) -> Chart:
    """Series over the same places; a value alone between gaps is a dot."""
    top = nice_top(max((v for each in series for v in each.values if v is not None), default=0))
    return Chart(
        title,
        max(len(places), 1) * STEP,
        _ticks(top, tick),
        _some([place.label for place in places]),
        paths=(
            *(Path(each.tone, _path(each.values, top)) for each in series),
            *(
                Path(each.tone, dots, is_dots=True)
                for each in series
                if (dots := _path(_lone(each.values), top))
            ),
        ),
        areas=tuple(Area(number * STEP, STEP, place) for number, place in enumerate(places)),
    )


def nice_top(highest: float) -> float:
    """A round number at or above the highest value; 1 for nothing."""
    if highest < NOTHING:
        return 1.0
    power = 10.0 ** math.floor(math.log10(highest))
    return next(power * each for each in NICE if power * each >= highest * (1 - 1e-9))


def _path(values: Sequence[float | None], top: float) -> str:
    data, pen_down = [], False
    for number, value in enumerate(values):
        if value is None:
            pen_down = False
            continue
        x, y = number * STEP + STEP / 2, round(HEIGHT - HEIGHT * value / top, 3)
        data.append(f"L{x:g} {y:g}" if pen_down else f"M{x:g} {y:g}h0")
        pen_down = True
    return "".join(data)


def _lone(values: Sequence[float | None]) -> list[float | None]:
    """The values that no line leads to, the others as gaps."""
    around = [None, *values, None]
    return [
        value if around[at] is None and around[at + 2] is None else None
        for at, value in enumerate(values)
    ]


def _ticks(top: float, tick: Callable[[float], str]) -> tuple[str, ...]:
    return tick(top), tick(top / 2), tick(0)


def _some(labels: Sequence[str]) -> tuple[str, ...]:
    """All while they are few, else some and the last among them; the others blank."""
    every = 1 if len(labels) <= MAX_LABELS else math.ceil(len(labels) / FEWER_LABELS)
    last = len(labels) - 1
    return tuple(
        label if (last - number) % every == 0 else "" for number, label in enumerate(labels)
    )

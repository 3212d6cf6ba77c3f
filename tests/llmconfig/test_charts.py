"""Charts: what is drawn stands for the values, whatever they are."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from llmconfig.admin.kit.charts import (
    HEIGHT,
    AxisPlace,
    Column,
    Line,
    Part,
    lines,
    nice_top,
    stacked,
)

AMOUNTS = st.floats(0, 1e9)


@example([[5e-324]])
@given(st.lists(st.lists(AMOUNTS, min_size=1, max_size=4), min_size=1, max_size=12))
def test_columns_stand_on_the_ground_in_proportion(columns):
    drawn = stacked(
        "", [Column("", tuple(Part(v, 0, "") for v in each)) for each in columns], tick=str
    )
    top = float(drawn.ticks[0])
    assert all(-0.01 <= block.y <= HEIGHT for block in drawn.blocks)
    for number, each in enumerate(columns):
        blocks = [block for block in drawn.blocks if block.x == number * 10 + 1]
        height = sum(block.height for block in blocks)
        assert height == pytest.approx(HEIGHT * sum(each) / top, abs=0.01)


@given(st.floats(1e-9, 1e12))
def test_the_axis_ends_at_a_round_number_not_far_above(highest):
    assert highest * (1 - 1e-6) <= nice_top(highest) <= highest * 2.51


def test_gaps_break_a_line_and_lone_values_are_dots():
    places = [AxisPlace(str(number), "") for number in range(5)]
    drawn = lines("", places, [Line("p50", 0, (10.0, 5.0, None, 0.0, None))], tick=str)
    assert [(each.data, each.is_dots) for each in drawn.paths] == [
        ("M5 0h0L15 50M35 100h0", False),
        ("M35 100h0", True),  # else nobody would see it
    ]
    assert len(drawn.areas) == 5


def test_labels_thin_out_and_keep_the_last():
    drawn = stacked("", [Column(str(day), ()) for day in range(31)], tick=str)
    shown = [label for label in drawn.labels if label]
    assert (len(shown), shown[-1], drawn.ticks) == (5, "30", ("1.0", "0.5", "0"))

"""What a cascade promises, and what it learns: without a database or a model."""

import math
import random

import pytest

from enrichment.cascades.promise import (
    catches_borne,
    errors_at_most,
    errors_borne,
    proportion_interval,
    shares_for,
)
from enrichment.cascades.steering import (
    BLOCK,
    CascadeState,
    CascadeTerms,
    Decided,
    Phase,
    Way,
    from_json,
    settle,
    to_json,
)
from enrichment.cascades.tallies import BINS, Tally, bin_of, lowest_score, tally_of
from enrichment.cascades.thresholds import best_plan, drifted, error_rates

ROWS = 2_000
TERMS = CascadeTerms(target=0.95)
Rows = list[tuple[float, bool]]


def table(seed: int, *, right: float, sharpness: float, later: float | None = None) -> Rows:
    """Scores of the cheap model, and whether it is right; `later` so often from the middle on."""
    rng = random.Random(seed)
    found = []
    for place in range(ROWS):
        good = rng.random() < (right if later is None or place < ROWS // 2 else later)
        odds = 2 + (sharpness if good else -sharpness) + rng.gauss(0, 1)
        found.append((1 / (1 + math.exp(-odds)), good))
    return found


def carried_out(
    rows: Rows, seed: int, terms: CascadeTerms = TERMS, lanes: int = 4
) -> tuple[CascadeState, int]:
    """The state at the end, and how many kept answers are wrong."""
    coin, state, wrong = random.Random(seed), CascadeState.begin(len(rows)), 0
    read = [state] * lanes
    for turn, start in enumerate(range(0, len(rows), BLOCK)):
        mine, block = read[turn % lanes], rows[start : start + BLOCK]
        ways = [mine.way(score, coin) for score, _ in block]
        decided = [
            Decided(score, way, None if way is Way.CHEAP else good)
            for (score, good), way in zip(block, ways, strict=True)
        ]
        state, keeps = settle(state, decided, terms)
        read[turn % lanes] = state
        pairs = zip(block, ways, strict=True)
        wrong += keeps * sum(way is Way.CHEAP and not good for (_, good), way in pairs)
    return state, wrong


# Tables of the negative binomial distribution; 59 is the rule of three: 0.95**59 < 0.05.
@pytest.mark.parametrize(
    ("errors", "share", "catches"),
    [
        (100, 0.1, 6),
        (100, 0.05, 2),
        (100, 0.2, 16),
        (58, 0.05, 1),
        (57, 0.05, 0),
        (0, 0.96, 1),
        (0, 0.5, 0),
    ],
)
def test_as_many_caught_errors_are_borne_as_the_binomial_tables_say(
    errors: int, share: float, catches: int
) -> None:
    assert catches_borne(errors, share) == catches


def test_the_promise_holds_against_an_adversary_that_is_always_wrong() -> None:
    """All rows are wrong, and every cheap answer is offered to be kept: the coins alone protect."""
    errors, share, missed, trials = 100, 0.1, 0, 1_500
    borne, coin = catches_borne(errors, share), random.Random(7)
    for _ in range(trials):
        unseen = caught = 0
        while caught < borne:
            hit = coin.random() < share
            caught, unseen = caught + hit, unseen + (not hit)
        missed += unseen > errors
    low, high = proportion_interval(missed, trials)
    assert low <= 0.05, missed
    assert high > 0.02  # the bound is no looser than that


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    # Clopper and Pearson 1934, as R's binom.test prints them.
    [(0, 20, 0.0, 0.1684), (3, 400, 0.0015, 0.0218), (10, 20, 0.272, 0.728), (20, 20, 0.8316, 1.0)],
)
def test_intervals_of_proportions_are_exact(
    hits: int, trials: int, low: float, high: float
) -> None:
    assert proportion_interval(hits, trials) == pytest.approx((low, high), abs=6e-4)


def test_the_bound_on_unseen_errors_is_the_upper_end_of_the_same_interval() -> None:
    assert errors_at_most(0, 0.05, kept=1_000) == 58
    assert errors_at_most(0, 0.05, kept=30) == 30
    assert errors_at_most(3, 0.1, kept=1_000) > errors_at_most(2, 0.1, kept=1_000)


@pytest.mark.parametrize(
    ("right", "sharpness", "later"),
    [
        (0.9, 1.5, None),
        (0.7, 2.5, None),
        (0.95, 0.0, None),
        (0.6, 0.0, None),
        (0.9, 2.0, 0.5),
        (0.8, 1.0, 0.6),
    ],
)
def test_the_target_is_kept_by_lanes_that_merge_at_each_block(
    right: float, sharpness: float, later: float | None
) -> None:
    missed = 0
    for seed in range(3):
        rows = table(seed, right=right, sharpness=sharpness, later=later)
        state, wrong = carried_out(rows, seed)
        assert state.settled == ROWS
        missed += wrong > errors_borne(ROWS, TERMS.target)
    assert missed <= 1  # of 3, at 5 % each: more happens once in 100 times at most


def test_sharp_scores_save_most_dear_calls_and_useless_ones_are_given_up() -> None:
    sharp, _ = carried_out(table(1, right=0.85, sharpness=2.5), 1)
    assert sharp.kept > 0.65 * ROWS
    useless, _ = carried_out(table(1, right=0.6, sharpness=0), 1)
    assert useless.phase is Phase.NOT_WORTH_IT
    assert useless.kept < 0.1 * ROWS


def test_a_change_in_the_middle_is_noticed_and_learned_from_anew() -> None:
    epochs = []
    for seed in range(3):
        state, _ = carried_out(table(seed, right=0.9, sharpness=1.0, later=0.5), seed)
        epochs.append(state.epoch or state.phase in {Phase.STOPPED, Phase.NOT_WORTH_IT})
    assert all(epochs)
    calm = [carried_out(table(seed, right=0.9, sharpness=1.0), seed)[0].epoch for seed in range(3)]
    assert sum(map(bool, calm)) <= 1


def test_a_block_that_comes_after_the_last_bearable_error_is_not_kept() -> None:
    state, _ = carried_out(
        table(3, right=0.9, sharpness=2)[: ROWS // 2], 3, CascadeTerms(target=0.9)
    )
    assert state.phase is Phase.KEEPING
    borne = catches_borne(errors_borne(state.rows, 0.9), state.share)
    block = [Decided(0.99, Way.AUDIT, agrees=False)] * (borne - state.caught)
    ended, keeps = settle(state, [*block, Decided(0.99, Way.CHEAP)], CascadeTerms(target=0.9))
    assert not keeps
    assert ended.phase is Phase.STOPPED
    assert ended.kept == state.kept
    assert ended.way(0.9999, random.Random(0)) is Way.DEAR


def test_a_table_too_small_for_its_target_keeps_no_cheap_answer() -> None:
    assert shares_for(errors_borne(60, 0.95), 0.3) == ()
    rows = [(0.99, True)] * 60
    state, _ = carried_out(rows, 1)
    assert (state.kept, state.phase) == (0, Phase.NOT_WORTH_IT)


def test_no_more_than_the_allowed_share_is_audited() -> None:
    for most in (0.1, 0.2):
        state, _ = carried_out(
            table(2, right=0.8, sharpness=1), 2, CascadeTerms(0.95, max_share=most)
        )
        assert state.share <= most


def test_tallies_add_up_in_any_order_and_survive_json() -> None:
    parts = [tally_of([(0.1 * each, None if each % 3 else each % 2 == 0)]) for each in range(10)]
    forwards, backwards = Tally(), Tally()
    for part in parts:
        forwards = forwards + part
    for part in reversed(parts):
        backwards = part + backwards
    assert forwards == backwards
    assert (forwards.rows, forwards.labels) == (10, 4)
    state, _ = carried_out(table(5, right=0.8, sharpness=1), 5)
    assert from_json(to_json(state)) == state


@pytest.mark.parametrize("score", [0.0, 1e-9, 0.2, 0.5, 0.8, 0.9, 0.99, 0.999, 0.9999, 1.0])
def test_a_score_is_in_the_bin_that_begins_below_it(score: float) -> None:
    number = bin_of(score)
    least, next_one = lowest_score(number), lowest_score(number + 1)
    assert least is not None
    assert least <= score or number == 0
    assert next_one is None or score < next_one


def test_error_rates_never_rise_with_the_score() -> None:
    rates = error_rates(tally_of(table(4, right=0.7, sharpness=0.7)))
    assert len(rates) == BINS
    assert rates == sorted(rates, reverse=True)
    assert sum(tally_of([]).wrong) == 0
    assert error_rates(Tally())[0] == pytest.approx(0.5)


def test_the_threshold_goes_up_as_errors_are_caught() -> None:
    known = tally_of(table(6, right=0.7, sharpness=1))
    plans = [
        best_plan(known, rows_left=ROWS, errors=100, max_share=0.3, share=0.1, caught=caught)
        for caught in (0, 3, 5, 6)
    ]
    assert [each.threshold for each in plans] == sorted(each.threshold for each in plans)
    assert plans[0].saved > plans[1].saved > plans[2].saved > plans[3].saved == 0


def test_only_a_real_change_counts_as_drift() -> None:
    older = tally_of(table(8, right=0.9, sharpness=1)[:500])
    same = tally_of(table(9, right=0.9, sharpness=1)[:100])
    worse = tally_of(table(9, right=0.5, sharpness=0)[:100])
    assert not drifted(older, same, threshold=100, deviations=3.5)
    assert drifted(older, worse, threshold=100, deviations=3.5)

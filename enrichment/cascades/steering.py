"""What a cascade does with the next rows, and when it stops: one state that lanes merge into.

A lane decides a block of rows by the state that it read last, asks the dear model where the
decision says so, and settles the block, in turn with the other lanes, before any row of it is
written. A block that comes after too many errors were caught isn't kept: its rows go to the dear
model. So the blocks stand in one order, and the promise holds for lanes that don't talk to each
other in between.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from random import Random
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from enrichment.cascades.promise import FAILURE, catches_borne, errors_at_most, errors_borne
from enrichment.cascades.tallies import BINS, Tally, bin_of, tally_of
from enrichment.cascades.thresholds import best_plan, drifted

# Rows that both models answer before any cheap answer is kept.
MIN_LEARNING, MAX_LEARNING, LEARNING_SHARE = 30, 400, 0.01
LEARNING_AGAIN = 40  # after a drift
BLOCK = 10  # rows that a lane settles at once
WINDOW = 100  # rows after which the newer ones join the older ones that they were compared with
DRIFT_DEVIATIONS = 3.5  # by which they may differ


NO_ROWS = Tally()


class Phase(StrEnum):
    """What a cascade does now."""

    LEARNING = "learning"  # both models answer, and the dear one's answer is taken
    KEEPING = "keeping"  # cheap answers from the threshold on are kept
    STOPPED = "stopped"  # too many errors were caught: the dear model alone
    NOT_WORTH_IT = "not_worth_it"  # the scores tell too little: the dear model alone


ENDED = frozenset({Phase.STOPPED, Phase.NOT_WORTH_IT})


class Way(StrEnum):
    """Whose answer a row gets."""

    CHEAP = "cheap"
    AUDIT = (
        "audit"  # the dear model's: the cheap one, which would have been kept, is held against it
    )
    DEAR = "dear"


class CascadeTerms(Struct, frozen=True):
    """What a cascade promises.

    `target` of the rows (0 to 1) agree with the dear model; the promise may be broken with
    probability `failure`. `max_share` of the cheap answers may be audited. `price` is what a cheap
    call costs, as a share of a dear one: a cascade that saves less than that ends.
    """

    target: float
    max_share: float = 0.3
    failure: float = FAILURE
    price: float = 0.1


class Decided(Struct, frozen=True):
    """A row of a block: its score, its way, and whether both models agree (None: one was asked).

    `model` is the cheap one that was asked, for people.
    """

    score: float
    way: Way
    agrees: bool | None = None
    model: str = ""

    @property
    def is_cheap(self) -> bool:
        """Whether the row gets the cheap model's answer."""
        return self.way is Way.CHEAP


class CascadeState(Struct, frozen=True):
    """All that is known of one table's cascade. `older` and `newer` are of the current epoch."""

    rows: int
    learning: int  # labels to learn from before cheap answers are kept
    phase: Phase = Phase.LEARNING
    threshold: int = BINS
    share: float = 0.0  # of audits; chosen once, before any cheap answer is kept
    settled: int = 0
    kept: int = 0
    audited: int = 0
    caught: int = 0
    epoch: int = 0  # how often it has begun to learn anew
    older: Tally = NO_ROWS
    newer: Tally = NO_ROWS

    @classmethod
    def begin(cls, rows: int) -> "CascadeState":
        """A cascade over a table of so many rows."""
        return cls(rows, min(MAX_LEARNING, max(MIN_LEARNING, round(rows * LEARNING_SHARE))))

    def way(self, score: float, coin: Random) -> Way:
        """Whose answer a row with this score (0 to 1) gets."""
        if self.phase is not Phase.KEEPING or bin_of(score) < self.threshold:
            return Way.DEAR
        return Way.AUDIT if coin.random() < self.share else Way.CHEAP

    @property
    def asks_cheap(self) -> bool:
        """Whether the cheap model is asked at all."""
        return self.phase not in ENDED

    def errors_at_most(self, failure: float = FAILURE) -> int:
        """How many kept answers differ from the dear model's at most."""
        return errors_at_most(self.caught, self.share, kept=self.kept, failure=failure)


def settle(
    state: CascadeState, block: Sequence[Decided], terms: CascadeTerms
) -> tuple[CascadeState, bool]:
    """The state with a block's rows, and whether its cheap answers may be kept.

    Where they may not, the lane asks the dear model for them. Call it with the state locked.
    """
    audits = [each for each in block if each.way is Way.AUDIT]
    caught = state.caught + sum(each.agrees is False for each in audits)
    borne = catches_borne(errors_borne(state.rows, terms.target), state.share, terms.failure)
    keeps = state.phase is Phase.KEEPING and caught < borne
    merged = replace(
        state,
        settled=state.settled + len(block),
        kept=state.kept + (sum(each.way is Way.CHEAP for each in block) if keeps else 0),
        audited=state.audited + len(audits),
        caught=caught,
        newer=state.newer + tally_of((each.score, each.agrees) for each in block),
    )
    if state.phase is Phase.KEEPING and not keeps:
        return replace(merged, phase=Phase.STOPPED, threshold=BINS), False
    return (merged if state.phase in ENDED else _steered(merged, terms)), keeps


def _steered(state: CascadeState, terms: CascadeTerms) -> CascadeState:
    """With the threshold for the rows to come, or the end of the cascade."""
    state = _watched(state)
    known, left = state.older + state.newer, state.rows - state.settled
    if known.labels < state.learning or left <= 0:
        return state
    plan = best_plan(
        known,
        rows_left=left,
        errors=errors_borne(state.rows, terms.target),
        max_share=terms.max_share,
        share=state.share,
        caught=state.caught,
        failure=terms.failure,
    )
    if plan.saved <= terms.price * left:
        return replace(state, phase=Phase.NOT_WORTH_IT, threshold=BINS)
    return replace(state, phase=Phase.KEEPING, threshold=plan.threshold, share=plan.share)


def _watched(state: CascadeState) -> CascadeState:
    """Learn anew from the newer rows when they say something else than the older ones."""
    if state.phase is not Phase.KEEPING:
        return state
    if state.older.labels and drifted(
        state.older, state.newer, threshold=state.threshold, deviations=DRIFT_DEVIATIONS
    ):
        return replace(
            state,
            phase=Phase.LEARNING,
            threshold=BINS,
            epoch=state.epoch + 1,
            learning=state.newer.labels + LEARNING_AGAIN,
            older=state.newer,
            newer=NO_ROWS,
        )
    if state.newer.rows >= WINDOW:
        return replace(state, older=state.older + state.newer, newer=NO_ROWS)
    return state


def to_json(state: CascadeState) -> dict[str, Any]:
    """The state as JSON."""
    tallies = {"older": state.older.to_json(), "newer": state.newer.to_json()}
    return {**asdict(state), "phase": state.phase.value, **tallies}


def from_json(stored: Mapping[str, Any]) -> CascadeState:
    """The state that `to_json` wrote."""
    tallies = {name: Tally.from_json(stored[name]) for name in ("older", "newer")}
    return CascadeState(**{**stored, "phase": Phase(stored["phase"]), **tallies})

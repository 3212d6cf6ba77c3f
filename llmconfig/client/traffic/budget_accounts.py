"""What one event loop has told the budgets' ledger, or is to tell, of each budget."""

import asyncio
from decimal import Decimal

from msgspec import Struct, field

from llmconfig.client.traffic.ahead import AHEAD_SECONDS, TOGETHER_SECONDS, CallRate
from llmconfig.client.traffic.budget_ledger import NOTHING, BudgetAnswer, Wish


class AskingCall(Struct):
    """A call that waits for its answer."""

    wish: Wish
    answer: asyncio.Future[BudgetAnswer]


class Account(Struct):
    """What this holder has told, or is to tell, of one budget."""

    period: str
    held: Decimal = NOTHING
    to_settle: Decimal = NOTHING
    unpriced: int = 0  # calls to be told of that have no known price
    # Held in the ledger for calls to come. It only shrinks before the ledger is told, and only
    # grows after, so that what calls take from it meanwhile is held at any moment.
    ahead: Decimal = NOTHING
    low: Decimal = NOTHING  # with less ahead it is time for more
    dearest: Decimal = NOTHING  # of the calls that came lately
    rate: CallRate = field(default_factory=CallRate)

    def hold(self, most_usd: Decimal) -> None:
        """A call has its worst case held."""
        self.held += most_usd
        self.dearest = max(self.dearest, most_usd)
        self.rate.took()

    def plan(self, now: float) -> Decimal:
        """Give up what isn't needed ahead; tells how much more is."""
        # Where nobody waits, exchanges are TOGETHER_SECONDS apart, and calls come in waves.
        wanted = NOTHING
        if self.held:
            wanted = self.dearest * self.rate.wanted(now, TOGETHER_SECONDS + AHEAD_SECONDS)
        if not wanted:
            self.dearest = NOTHING
        self.ahead = min(self.ahead, wanted)
        return wanted - self.ahead

    def got(self, amount: Decimal) -> None:
        """So much more is held ahead."""
        self.ahead += amount
        self.low = self.ahead / 4

    @property
    def is_open(self) -> bool:
        """Whether anything is held, or to be told."""
        return bool(self.held or self.ahead or self.to_settle or self.unpriced)

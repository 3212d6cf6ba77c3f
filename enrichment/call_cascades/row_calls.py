"""One row's call, which its node's cascade answers where there is one."""

from msgspec import Struct, field

from enrichment.call_cascades.scoring import RowScoring
from enrichment.call_cascades.steering import steer
from enrichment.cascades.steering import Decided, Way
from enrichment.engine.grading import GOOD_FROM
from enrichment.engine.items import Item, Outcome
from enrichment.enrichments.contract import Enrichment
from llmconfig import client
from llmconfig.client.http import background_loop
from llmconfig.client.pipeline import cascades
from llmconfig.client.recording.recorders import Texts
from llmconfig.client.types import Call, CallRecord, Cascaded, Generation
from llmconfig.configuration import snapshot
from llmconfig.models import CascadeScore
from llmconfig.runtime.records import replace

KEPT = "kept"
WAYS = {KEPT: Way.CHEAP, "own": Way.DEAR, "audited": Way.AUDIT}


class RowCall(Struct):
    """A call about a row, and the records of all that it took, the earliest first."""

    enrichment: Enrichment
    item: Item
    call: Call
    records: list[tuple[CallRecord, Texts]] = field(default_factory=list)
    cascaded: Cascaded | None = None
    score: str = ""  # by which the cascade goes

    def answer(self) -> Generation:
        """Ask, and wait for the answer; raises what the last call raises."""
        facts = cascades.facts_of(self.call, snapshot.current())
        collect = lambda *pair: self.records.append(pair)  # noqa: E731 - it has no other name
        if facts is None:
            return client.generate(self.call, collect=collect)

        async def ask(each: Call) -> Generation:
            return await client.agenerate(each, collect=collect)

        scoring = RowScoring(self.enrichment, self.item)
        made = background_loop.run(steer(self.call, facts, ask, scoring))
        self.records[:] = cascades.told(self.records, made)
        self.cascaded, self.score = made.cascade, facts.score
        return made

    def with_all(self, outcome: Outcome) -> Outcome:
        """The outcome of one of these calls with its texts, the others beside it, and its way."""
        calls = {record.id: (record, texts) for record, texts in self.records}
        own = calls.pop(outcome.record.id, None) if outcome.record else None
        record, texts = own or (outcome.record, outcome.texts)
        return replace(
            outcome,
            record=record,
            texts=texts,
            beside=(*outcome.beside, *calls.values()),
            decided=_decided(self.cascaded),
            judged_good=self._is_judged_good(),
        )

    def _is_judged_good(self) -> bool:
        """Whether it is the cheap model's answer, and a judge found it good: it needs no other."""
        told = self.cascaded
        if told is None or told.way != KEPT or self.score != CascadeScore.JUDGE:
            return False
        return (told.score or 0.0) >= GOOD_FROM


def _decided(cascaded: Cascaded | None) -> Decided | None:
    if cascaded is None or cascaded.way not in WAYS or cascaded.score is None:
        return None
    return Decided(cascaded.score, WAYS[cascaded.way], model=cascaded.model)

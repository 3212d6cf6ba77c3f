"""`make cascade-real`: a cascade of two real models over shipped listings, tagged on this machine.

    make cascade-real                    # 300 listings; broken off, it goes on where it was
    make cascade-real ARGS="--rows 60 --minutes 20"   # a piece: 20 minutes of each model at most

Both models answer every listing once, at temperature 0. Their answers are kept in
benchmarks/cascade_answers, a line each, so that hours of work can be shared, and the table that is
steered afterwards by the product's own arithmetic can be looked at under any target and score, and
in any order of its rows. Writes its part of docs/performance-cascade.md.
"""

import argparse
import asyncio
import json
import math
import os
import platform
import random
import statistics
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import django

from benchmarks.cascades import DOCUMENT, MODELS_END, MODELS_START
from benchmarks.peers import ROOT
from enrichment.cascades.promise import FAILURE, errors_borne
from enrichment.cascades.steering import BLOCK, CascadeState, CascadeTerms, Decided, Way, settle

ANSWERS = ROOT / "benchmarks" / "cascade_answers"
CHEAP, DEAR = "cheap", "dear"
# Slots of the model server, each of which keeps what all prompts begin with.
IN_FLIGHT = int(os.environ.get("MODEL_SERVER_SLOTS", "4"))
CALL_SECONDS = 7_200.0  # a small model on a busy machine takes its time
MAX_TOKENS = 1_600  # twelve tags with the longest quotations, so that none is cut
MAX_REASON = 80  # characters
ORDERS = 200  # in which the rows are steered
TARGETS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
SCORES = {
    "confidence": "the confidence that counts (of the least sure tag)",
    "logprobs": "how likely the answer's tokens were",
    "gates": "whether it passes the gates",
}
SEED = 16
# Of a dear answer's price, what providers' small models take of their large ones': a tenth or less.
LISTED_PRICE = 0.1
INTRODUCTION = """\
Written by `make cascade-real`: {listings} of the shipped listings, drawn by chance, tagged by
{cheap} and by {dear} on {machine} at temperature 0. They agree on {agree} of {compared}
listings ({share:.0%}): the same tags, none more; on {empty} of these neither gives a tag. A cheap
answer takes {cheap_seconds:.0f} s, a dear one {dear_seconds:.0f} s (medians, {in_flight} at once,
both models and other work on two cores).
{states}"""
BEFORE_TABLES = """\
Each line: the same {compared} answers in {orders} orders, steered by `enrichment/cascades/`; what
differs is what a person would see in the table at the end. A target may be missed in {failure:.0%}
of the orders. Saved is of what the dear model alone would take; below 0 the cascade cost more than
it kept: what asking both models costs until it ends as not worth it."""
BY_SECONDS = (
    "A cheap answer costs {price:.0%} of a dear one, as by the seconds that they take here:"
)
AS_LISTED = "A cheap answer costs {price:.0%} of a dear one, as by providers' lists of prices:"


@dataclass(frozen=True, slots=True)
class Kept:
    """One model's answer to one listing, as it is kept in a file."""

    row: str
    model: str
    state: str
    tags: dict[str, float]  # with the confidence that counts
    scores: dict[str, float]
    seconds: float
    tokens: int
    reason: str


@dataclass(frozen=True, slots=True)
class Steered:
    """What a cascade came to over the rows in one order."""

    kept: int
    wrong: int
    cheap: int
    rows: int

    def saved(self, price: float) -> float:
        """Of what the dear model alone would cost; a cheap answer costs `price` of a dear one's."""
        return (self.kept - price * self.cheap) / self.rows


def read(role: str) -> dict[str, Kept]:
    """The answers that there are, by row."""
    file = ANSWERS / f"{role}.jsonl"
    if not file.exists():
        return {}
    found = (Kept(**json.loads(line)) for line in file.read_text().splitlines())
    return {each.row: each for each in found}


# Asking


def ask(role: str, rows: int, minutes: float) -> None:
    """Have the model that is served here tag what it has not tagged yet, as far as it comes."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    model, listings, there = _configure(), _listings(rows), read(role)
    done = {name for name, kept in there.items() if kept.state != "failed"}
    left = {key: name for key, name in listings.items() if name not in done}
    print(f"{model}: {len(left)} of {len(listings)} listings to tag", flush=True)
    ANSWERS.mkdir(parents=True, exist_ok=True)
    asyncio.run(_ask_all(role, left, until=time.monotonic() + minutes * 60))


def _configure() -> str:
    from llmconfig.configuration.revisions import change
    from llmconfig.models import LLMConfig, NodeConfiguration, Provider, ProviderModel
    from llmconfig.secrets import Secret

    url, model = os.environ.get("LLM_LOCAL_URL", ""), os.environ.get("LLM_LOCAL_MODEL", "")
    if not url or not model:
        sys.exit("There is no model: run `make cascade-real`.")
    with change(source="shell", message="Cascade"):
        provider = Provider(
            name="here", provider_type="local", api_base_url=url, timeout_seconds=CALL_SECONDS
        )
        if key := os.environ.get("LLM_LOCAL_API_KEY"):
            provider.set_key(Secret(key))
        provider.save()
        ProviderModel.objects.create(
            provider=provider, model_id=model, supports_json_schema=True, supports_logprobs=True
        )
        NodeConfiguration.objects.create(
            node_name="tagging",
            interaction_type="tagger",
            default_model=f"here/{model}",
            default_temperature=0,
            default_max_tokens=MAX_TOKENS,
        )
        LLMConfig.objects.update_or_create(pk=1, defaults={"provider": provider, "enabled": True})
    return model


def _listings(rows: int) -> dict[str, str]:
    """Shipped listings in an order by chance, the same each time: by key, their names for good."""
    from enrichment.listings.importing.importer import import_listings
    from enrichment.listings.models import Animal

    import_listings(ROOT / "fixtures" / "dogs.csv.gz")
    told = Animal.objects.exclude(description="").exclude(description=None)
    by_name = dict(told.values_list("external_id", "pk"))
    drawn = sorted(by_name, key=str)
    random.Random(SEED).shuffle(drawn)
    drawn = drawn[:rows]
    return {str(by_name[each]): str(each) for each in drawn}


async def _ask_all(role: str, listings: dict[str, str], *, until: float) -> None:
    from asgiref.sync import sync_to_async

    from enrichment.engine.items import load_items
    from enrichment.enrichments import get

    tagging = get("tagging")
    found = await sync_to_async(lambda: list(load_items(tagging, [*listings], variant="")))()
    items = sorted(found, key=lambda item: [*listings].index(item.row_id))
    waiting = iter(items)
    done = 0
    with (ANSWERS / f"{role}.jsonl").open("a") as file:

        async def worker() -> None:
            nonlocal done
            for item in waiting:
                if time.monotonic() > until:
                    return
                kept = await _asked(tagging, item, listings[item.row_id])
                file.write(json.dumps(vars_of(kept), separators=(",", ":")) + "\n")
                file.flush()
                done += 1
                said = f"{kept.state}, {kept.seconds:.0f} s {kept.reason}"
                print(f"{done} of {len(items)}: {said}", flush=True)

        await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))


def vars_of(kept: Kept) -> dict[str, Any]:
    """An answer as a line of the file holds it, in JSON."""
    return {name: getattr(kept, name) for name in Kept.__slots__}


async def _asked(tagging: Any, item: Any, name: str) -> Kept:
    from dataclasses import replace

    from enrichment.engine.cascade_decisions import score_of
    from enrichment.engine.items import call_for, failed, judged
    from llmconfig import client
    from llmconfig.client.errors import GenerationFailed

    began = time.monotonic()
    call = call_for(tagging, item, session_id=None, use_cache=False)
    call = replace(call, logprobs=True, deadline_s=CALL_SECONDS)
    scores = dict.fromkeys(SCORES, 0.0)
    try:
        answer = await client.agenerate(call, collect=lambda *_: None)
        outcome = judged(tagging, item, answer, None)
        if outcome.state == "applied":
            scores = {each: score_of(each, outcome, answer) for each in SCORES}
    except GenerationFailed as failure:
        outcome = failed(tagging, item, failure, None)
    record = outcome.record
    return Kept(
        row=name,
        model=record.model if record else "",
        state=str(outcome.state),
        tags={tag: round(sure, 4) for tag, sure in tagging.rated(outcome.value).items()},
        scores={name: round(score, 6) for name, score in scores.items()},
        seconds=round(time.monotonic() - began, 1),
        tokens=record.usage.tokens_output if record else 0,
        reason=outcome.reason[:MAX_REASON],
    )


# Steering


def steered(rows: Sequence[tuple[float, bool]], seed: int, terms: CascadeTerms) -> Steered:
    """A cascade over rows, each its score and whether both models agree, by one lane."""
    order, coin = random.Random(seed), random.Random(-seed)
    rows = order.sample(list(rows), len(rows))
    state, wrong, cheap = CascadeState.begin(len(rows)), 0, 0
    for start in range(0, len(rows), BLOCK):
        if not state.asks_cheap:
            break
        block = rows[start : start + BLOCK]
        cheap += len(block)
        ways = [state.way(score, coin) for score, _ in block]
        decided = [
            Decided(score, way, None if way is Way.CHEAP else agrees)
            for (score, agrees), way in zip(block, ways, strict=True)
        ]
        state, keeps = settle(state, decided, terms)
        if keeps:
            wrong += sum(
                way is Way.CHEAP and not agrees
                for (_, agrees), way in zip(block, ways, strict=True)
            )
    return Steered(state.kept, wrong, cheap, len(rows))


def pairs(cheap: dict[str, Kept], dear: dict[str, Kept], score: str) -> list[tuple[float, bool]]:
    """By row the score and whether both say the same; without those that the dear one failed on."""
    from enrichment.enrichments import get

    tagging = get("tagging")
    found = []
    for row in sorted(cheap.keys() & dear.keys()):
        one, other = cheap[row], dear[row]
        if other.state == "failed":
            continue
        same = one.state == other.state and tagging.similarity(_value(one), _value(other)) >= 1
        found.append((one.scores[score], same))
    return found


def _value(kept: Kept) -> list[dict[str, Any]]:
    return [{"tag": tag, "confidence": sure} for tag, sure in kept.tags.items()]


def _best(rows: Iterable[tuple[float, bool]], target: float, price: float) -> float:
    """What the best threshold in hindsight would save, by one who knows every answer."""
    ordered = sorted(rows, reverse=True)
    best = wrong = 0
    for place, (_, agrees) in enumerate(ordered, 1):
        wrong += not agrees
        if wrong > errors_borne(len(ordered), target):
            break
        best = place
    return max(0.0, best / len(ordered) - price)


def document() -> str:
    """The part of the document, from the answers that there are."""
    cheap, dear = read(CHEAP), read(DEAR)
    both = cheap.keys() & dear.keys()
    if not both:
        sys.exit("No listing has both models' answers yet.")
    price = _seconds(cheap) / _seconds(dear)
    first, second = next(iter(cheap.values())).model, next(iter(dear.values())).model
    agreeing = [same for _, same in pairs(cheap, dear, "gates")]
    empty = sum(not (cheap[row].tags or dear[row].tags) for row in both)
    lines = [
        "## Two real models",
        "",
        INTRODUCTION.format(
            listings=len(both),
            cheap=first,
            dear=second,
            machine=platform.machine(),
            agree=sum(agreeing),
            compared=len(agreeing),
            share=sum(agreeing) / max(1, len(agreeing)),
            cheap_seconds=_seconds(cheap),
            dear_seconds=_seconds(dear),
            in_flight=IN_FLIGHT,
            empty=empty,
            states=f"{_states(cheap, first)}\n{_states(dear, second)}",
        ),
        "",
        BEFORE_TABLES.format(compared=len(agreeing), orders=ORDERS, failure=FAILURE),
    ]
    for words, taken in ((BY_SECONDS, price), (AS_LISTED, LISTED_PRICE)):
        lines += ["", words.format(price=taken), "", *_table(cheap, dear, taken)]
    return "\n".join(lines)


def _table(cheap: dict[str, Kept], dear: dict[str, Kept], price: float) -> list[str]:
    """What each score and target come to, where a cheap answer costs this share of a dear one."""
    lines = [
        "| score | target | missed | differ, mean | kept, mean | saved, mean | best in hindsight |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for score, words in SCORES.items():
        rows = pairs(cheap, dear, score)
        for target in TARGETS:
            terms = CascadeTerms(target=target, price=min(0.9, price))
            runs = [steered(rows, seed, terms) for seed in range(ORDERS)]
            missed = sum(each.wrong > errors_borne(each.rows, target) for each in runs)
            lines.append(
                f"| {words} | {target:.0%} | {missed} of {ORDERS}"
                f" | {statistics.fmean(each.wrong / each.rows for each in runs):.1%}"
                f" | {statistics.fmean(each.kept / each.rows for each in runs):.0%}"
                f" | {statistics.fmean(each.saved(price) for each in runs):.0%}"
                f" | {_best(rows, target, price):.0%} |"
            )
    return lines


def _seconds(answers: dict[str, Kept]) -> float:
    return statistics.median(each.seconds for each in answers.values())


def _states(answers: dict[str, Kept], model: str) -> str:
    held = sum(each.state == "suggested" for each in answers.values())
    failed = sum(each.state == "failed" for each in answers.values())
    return f"Of {model}'s answers the gates hold {held} back, and {failed} calls failed."


def write(text: str) -> None:
    """Between the marks of the document, which `make cascades` keeps."""
    whole = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = whole.partition(MODELS_START)
    after = rest.partition(MODELS_END)[2]
    DOCUMENT.write_text(
        f"{before.rstrip()}\n\n{MODELS_START}\n{text}\n{MODELS_END}\n{after.lstrip()}",
        encoding="utf-8",
    )


def main() -> None:
    """Ask as the cheap or the dear model, or write what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=[CHEAP, DEAR, "write"])
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin none after them")
    given = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    os.environ["LLM_CACHE_ENABLED"] = "false"
    os.environ["LLM_DEADLINE_SECONDS"] = str(CALL_SECONDS)
    django.setup()
    if given.what == "write":
        text = document()
        print(text)
        write(text)
    else:
        ask(given.what, given.rows, given.minutes)


if __name__ == "__main__":
    main()

"""`make prompts`: what 3,000 listings cost with and without a layout that providers can cache.

Runs the same batch against the simulator with its prompt cache on, which goes by the vendors'
documented rules, and writes docs/performance-prompt-cache.md. Ends with exit 1 unless the layout
saves prompt tokens where the vendor's least length is reached, and nothing where it isn't.
"""

import argparse
import datetime as dt
import os
import sys
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import django

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "performance-prompt-cache.md"
INTRODUCTION = """\
# Prompt caching, measured

Written by `make prompts`: {rows:,} listings are cleaned against the simulator with its prompt
cache on, which goes by the vendors' documented rules (docs/simulator.md). The system prompt is a
house style of about {short:,} tokens, or {long:,}. Without the layout the listing's name stands at
its beginning; with it, what is the same for all rows comes first, and the client marks it for
Anthropic. Prices are dollars for a million tokens: {prices}.

| model | system prompt | layout | prompt tokens | cache reads | cache writes | cost | |
| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |
"""
RULE = "Write {number} as the house does: plain words, one thought a sentence, no exclamation. "
SHORT, LONG = 1_500, 4_500  # tokens of the system prompt


@dataclass(frozen=True, slots=True)
class PricedModel:
    """A model and its list price for a million tokens."""

    provider: str
    model: str
    input: str
    read: str
    written: str
    output: str
    prompt: int  # tokens of the system prompt
    caches: bool  # whether the vendor keeps so long a beginning


MODELS = (
    PricedModel("openai", "gpt-4o-mini", "0.15", "0.075", "0.15", "0.6", SHORT, caches=True),
    PricedModel("anthropic", "claude-sonnet-4-5", "3", "0.3", "3.75", "15", SHORT, caches=True),
    PricedModel("anthropic", "claude-haiku-4-5", "1", "0.1", "1.25", "5", SHORT, caches=False),
    PricedModel("anthropic", "claude-haiku-4-5", "1", "0.1", "1.25", "5", LONG, caches=True),
)


@dataclass(frozen=True, slots=True)
class BilledBatch:
    """What one batch came to."""

    prompt: int
    read: int
    written: int
    cost: Decimal


def house_style(tokens: int) -> str:
    """A system prompt of about so many tokens."""
    rules = (RULE.format(number=number) for number in range(tokens))
    text = "You edit adoption listings. Keep every fact. "
    for rule in rules:
        if len(text) >= tokens * 4:
            break
        text += rule
    return text


def main() -> None:
    """Run each offer with and without, print, write, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=3_000)
    rows = parser.parse_args().rows
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    os.environ.setdefault("LLM_EGRESS_ALLOW", "127.0.0.1")  # the simulator, as these vendors
    django.setup()
    from benchmarks.database import prepare, row_ids
    from benchmarks.provider import simulator

    lines, wrong = [], []
    with simulator() as provider:
        prepare(provider.url)
        keys = row_ids(rows)
        for offer in MODELS:
            _configure(offer, provider.url)
            provider.control(latency_ms=20, prompt_cache=True)
            found = []
            for begins_alike in (False, True):
                provider.reset()
                found.append(_run(offer, keys, begins_alike=begins_alike))
                lines.append(_line(offer, found[-1], found[0], begins_alike=begins_alike))
                print(lines[-1], flush=True)
            if (found[1].read > 0) != offer.caches:
                wrong.append(offer.model)
    prices = "; ".join(
        dict.fromkeys(
            f"{each.model} {each.input}, read {each.read}, written {each.written}, answers"
            f" {each.output}"
            for each in MODELS
        )
    )
    head = INTRODUCTION.format(rows=len(keys), short=SHORT, long=LONG, prices=prices)
    DOCUMENT.write_text(head + "".join(f"{each}\n" for each in lines))
    if wrong:
        sys.exit(f"Other than the vendors' rules say: {', '.join(wrong)}.")


def _configure(offer: PricedModel, url: str) -> None:
    """A provider of the vendor's kind at the simulator, and the node at its model."""
    from benchmarks.database import ENRICHMENT
    from benchmarks.provider import KEY
    from llmconfig.configuration import snapshot
    from llmconfig.configuration.revisions import change
    from llmconfig.models import ModelPrice, NodeConfiguration, Provider, ProviderModel
    from llmconfig.secrets import Secret

    with change(source="shell", message="Benchmark"):
        provider = Provider.objects.filter(name=offer.provider).first()
        if provider is None:
            address = url if offer.provider == "anthropic" else f"{url}/v1"
            provider = Provider(
                name=offer.provider, provider_type=offer.provider, api_base_url=address
            )
            provider.set_key(Secret(KEY))
            provider.save()
        model, is_new = ProviderModel.objects.get_or_create(
            provider=provider, model_id=offer.model, defaults={"supports_temperature": False}
        )
        if is_new:
            ModelPrice.objects.create(
                model=model,
                valid_from=dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
                input_per_1m=Decimal(offer.input),
                cached_input_per_1m=Decimal(offer.read),
                cache_write_per_1m=Decimal(offer.written),
                output_per_1m=Decimal(offer.output),
            )
        NodeConfiguration.objects.filter(node_name=ENRICHMENT).update(
            default_model=f"{offer.provider}/{offer.model}"
        )
    snapshot.expire()


def _run(offer: PricedModel, keys: list[int], *, begins_alike: bool) -> BilledBatch:
    """What a batch over these rows is billed."""
    from django.db.models import Sum

    from benchmarks.database import ENRICHMENT
    from enrichment.batches import creation
    from enrichment.batches.creation import Selection
    from enrichment.engine.inline import run_inline
    from enrichment.models import Prompt
    from metrics.models import GenerationMetric

    Prompt.objects.all().delete()
    style = house_style(offer.prompt)
    Prompt.objects.create(
        enrichment=ENRICHMENT,
        version=1,
        system=style if begins_alike else f"This listing is of {{{{name}}}}. {style}",
        user="<listing>\n{{description}}\n</listing>\n\nThe listing of {{name}}, written again:",
        is_active=True,
    )
    GenerationMetric.objects.all().delete()
    batch = creation.create(ENRICHMENT, Selection(ids=keys, force=True))
    run_inline(batch.pk, may_go_on=lambda: True)
    sums: dict[str, Any] = GenerationMetric.objects.aggregate(
        prompt=Sum("tokens_input"), read=Sum("tokens_cached_input"),
        written=Sum("tokens_cache_write"), cost=Sum("cost_usd"),
    )  # fmt: skip
    return BilledBatch(**sums)


def _line(offer: PricedModel, found: BilledBatch, first: BilledBatch, *, begins_alike: bool) -> str:
    layout = "the same comes first" if begins_alike else "the name comes first"
    less = f"{1 - found.cost / first.cost:.0%} less" if found is not first else ""
    figures = f"{found.prompt:,} | {found.read:,} | {found.written:,} | ${found.cost:.2f}"
    return (
        f"| {offer.provider}/{offer.model} | {offer.prompt:,} tokens | {layout} | {figures} |"
        f" {less} |"
    )


if __name__ == "__main__":
    main()

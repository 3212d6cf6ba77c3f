"""Rows of the price table brought to what is in force from each moment on."""

import datetime as dt
from collections.abc import Iterable

from llmconfig.configuration.pricing import PriceFacts
from llmconfig.models import ModelPrice, PriceSource


def facts_of(rows: Iterable[ModelPrice]) -> tuple[PriceFacts, ...]:
    """The prices of one model, newest first, each with the rates under conditions beside it.

    A person's row without conditions wins over any other, and then only a person's conditions hold
    beside it. Rows with conditions hold since the row without conditions that they came with.
    """
    known = sorted(rows, key=lambda row: row.valid_from, reverse=True)
    moments = sorted({row.valid_from for row in known}, reverse=True)
    return tuple(_in_force(known, moment) for moment in moments)


def is_plain(row: ModelPrice) -> bool:
    """Whether a row holds without conditions."""
    return not (row.service_tier or row.above_prompt_tokens or row.hours_from is not None)


def base_row(rows: Iterable[ModelPrice], moment: dt.datetime) -> ModelPrice | None:
    """The row without conditions that is in force: a person's, if one has begun, wins."""
    begun = [row for row in rows if row.valid_from <= moment and is_plain(row)]
    manual = [row for row in begun if row.source == PriceSource.MANUAL]
    return max(manual or begun, key=lambda row: row.valid_from, default=None)


def _in_force(known: list[ModelPrice], moment: dt.datetime) -> PriceFacts:
    base = base_row(known, moment)
    by_hand = base is not None and base.source == PriceSource.MANUAL
    found: dict[tuple[object, ...], ModelPrice] = {}
    for row in known:  # newest first
        manual = row.source == PriceSource.MANUAL
        if is_plain(row) or row.valid_from > moment or (by_hand and not manual):
            continue
        ended = base is not None and row.valid_from < base.valid_from
        if ended and (by_hand or not manual):
            continue
        key = (row.service_tier, row.above_prompt_tokens, row.hours_from, row.hours_until)
        if key not in found or (manual and found[key].source != PriceSource.MANUAL):
            found[key] = row
    ordered = sorted(
        found.values(), key=lambda row: (row.hours_from is None, -row.above_prompt_tokens)
    )
    return _facts(base, moment, tuple(_facts(row, row.valid_from) for row in ordered))


def _facts(
    row: ModelPrice | None, valid_from: dt.datetime, variants: tuple[PriceFacts, ...] = ()
) -> PriceFacts:
    if row is None:
        return PriceFacts(valid_from, None, None, None, None, variants=variants)
    begins, ends = row.hours_from, row.hours_until
    return PriceFacts(
        valid_from=valid_from,
        input=row.input_per_1m,
        output=row.output_per_1m,
        cached_input=row.cached_input_per_1m,
        cache_write=row.cache_write_per_1m,
        cache_write_1h=row.cache_write_1h_per_1m,
        reasoning=row.reasoning_per_1m,
        audio_input=row.audio_input_per_1m,
        audio_cached=row.audio_cached_per_1m,
        audio_output=row.audio_output_per_1m,
        image_input=row.image_input_per_1m,
        image_cached=row.image_cached_per_1m,
        image_output=row.image_output_per_1m,
        audio_hour=row.audio_per_hour,
        web_search=row.web_search_per_1k,
        request=row.request_per_1k,
        service_tier=row.service_tier,
        above_prompt_tokens=row.above_prompt_tokens,
        hours=None if begins is None or ends is None else (begins, ends),
        source=row.source,
        variants=variants,
    )

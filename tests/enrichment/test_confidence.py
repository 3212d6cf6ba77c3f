"""Confidence from token probabilities where the provider tells them, else what the model says."""

import math

import pytest

from enrichment.batches import creation
from enrichment.batches.creation import Selection
from enrichment.engine.lanes import run_lane
from enrichment.models import EnrichmentResult, ResultState
from enrichment.quality.logprobs import likelihoods
from enrichment.single import enrich_row
from llmconfig import client
from llmconfig.client.types import Call, Message
from llmconfig.configuration import snapshot
from llmconfig.models import LLMConfig, NodeConfiguration, ProviderModel
from tests.enrichment.saying import TRAITS

ANSWER = '{"tags": [{"tag": "calm", "confidence": 1}, {"tag": "good_with_cats", "confidence": 1}]}'


def spelled(*pieces):
    """Tokens with their probabilities."""
    return tuple((text.encode(), math.log(likely)) for text, likely in pieces)


def test_a_values_likelihood_is_the_mean_over_its_own_tokens_and_no_others():
    tokens = spelled(
        ('{"tags": [{"tag": "', 0.01), ("calm", 0.9), ('", "confidence": ', 0.01), ("1", 0.01),
        ('}, {"tag": "', 0.02), ("good", 0.4), ("_with_", 1.0), ("cats", 0.4),
        ('", "confidence": 1}]}', 0.01),
    )  # fmt: skip
    found = likelihoods(ANSWER, tokens, key="tag", values=["calm", "good_with_cats"])
    assert found == [0.9, round(0.16 ** (1 / 3), 4)]


def test_tokens_may_begin_before_a_value_end_after_it_and_cut_characters():
    text = '{"text": "Käfer 🐶"}'
    raw = text.encode()
    pieces = [raw[at : at + 3] for at in range(0, len(raw), 3)]
    tokens = tuple((piece, math.log(0.25)) for piece in pieces)
    assert likelihoods(text, tokens, key="text", values=["Käfer 🐶"]) == [0.25]
    assert likelihoods(text, ((b"<|start|>", 0.0), *tokens), key="text", values=["Käfer 🐶"]) == [
        0.25
    ]


@pytest.mark.parametrize(
    ("text", "tokens", "values"),
    [
        (ANSWER, (), ["calm", "good_with_cats"]),
        (ANSWER, spelled(("something else", 0.5)), ["calm", "good_with_cats"]),
        (ANSWER, spelled((ANSWER, 0.5)), ["calm"]),
        ('{"tag": "cal', spelled(('{"tag": "cal', 0.5)), ["calm"]),
        (ANSWER, spelled((ANSWER, 0.5)), []),
    ],
)
def test_what_cannot_be_told_for_all_is_told_for_none(text, tokens, values):
    assert likelihoods(text, tokens, key="tag", values=values) == []


def told(text, pieces, values, choices=(), key="tag"):
    """Likelihoods where each piece is a token with its probability."""
    tokens = tuple((piece, math.log(likely)) for piece, likely in pieces)
    return likelihoods(text, tokens, key=key, values=values, choices=choices)


def test_the_last_place_counts_and_not_a_draft_in_the_thoughts():
    draft, answer = '{"tag": "calm"}', '{"tag": "calm"}'
    pieces = [
        (f"<think>Perhaps {draft}?</think>\n".encode(), 0.9),
        (b'{"tag": "', 0.9), (b"calm", 0.3), (b'"}', 0.9),
    ]  # fmt: skip
    assert told(answer, pieces, ["calm"]) == [0.3]
    assert told(f"<think>Perhaps {draft}?</think>\n{answer}", pieces, ["calm"]) == [0.3]


@pytest.mark.parametrize(
    "around", [(b"```json\n", b"\n```"), (b"<|channel|>final<|message|>", b"<|return|>")]
)
def test_what_a_server_hides_around_its_answer_is_no_hindrance(around):
    pieces = [(around[0], 0.1), (b'{"tag": "', 0.9), (b"calm", 0.3), (b'"}', 0.9), (around[1], 0.1)]
    assert told('{"tag": "calm"}', pieces, ["calm"]) == [0.3]
    assert told('\n{"tag": "calm"} ', pieces, ["calm"]) == [0.3]


@pytest.mark.parametrize(
    "spelled", [[b"K", b"\xef\xbf\xbd", b"\xef\xbf\xbd", b"fer"], [b"\xef\xbf\xbd" * 2, b" "]]
)
def test_tokens_that_are_half_a_character_are_found_by_what_stands_around_them(spelled):
    word = "Käfer" if b"fer" in spelled else "犬 "
    text = f'{{"tag": "{word}", "confidence": 1}}'
    inside = [(each, 0.25) for each in spelled]
    pieces = [(b'{"tag":', 0.9), (b' "', 0.9), *inside, (b'", "', 0.9), (b'confidence": 1}', 0.9)]
    assert told(text, pieces, [word]) == [0.25]


@pytest.mark.parametrize(
    ("pieces", "choices", "found"),
    [
        # Only one value is possible, or none of its letters decided anything.
        ([(b"calm", 0.8)], ["calm"], []),
        # Taken away by a grammar: every other token, before the probabilities were told.
        ([(b"ca", 1.0), (b"lm", 1.0)], [], []),
        # What the model would never have said by itself.
        ([(b"ca", 0.9), (b"lm", 1e-6)], [], []),
        # "ca" decides between the three; what follows was forced.
        ([(b"c", 0.4), (b"a", 0.9), (b"lm", 0.01)], ["calm", "cute", "shy"], [0.6]),
        ([(b"calm", 0.4)], ["calm", "cute"], [0.4]),
        ([(b"calm", 0.4)], [], [0.4]),
        # A value that begins another one isn't decided before its end.
        ([(b"ca", 0.4), (b"lm", 0.9)], ["calm", "calmest"], [0.6]),
        ([(b"ca", 0.4), (b"lm", 0.9)], ["other", "names"], [0.6]),
    ],
)
def test_tokens_that_a_grammar_forced_say_nothing(pieces, choices, found):
    whole = [(b'{"tag": "', 0.9), *pieces, (b'"}', 0.9)]
    assert told('{"tag": "calm"}', whole, ["calm"], choices) == found


@pytest.fixture
def tagging(provider):
    NodeConfiguration.objects.create(
        node_name="tagging", interaction_type="tagger", default_model="sim/gpt-4o-mini"
    )
    model, _ = ProviderModel.objects.update_or_create(
        provider=provider,
        model_id="gpt-4o-mini",
        defaults={"supports_json_schema": True, "supports_logprobs": True},
    )
    LLMConfig.objects.filter(pk=1).update(min_confidence_tagging=0.7)
    snapshot.expire()
    return model


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("likely", "state"), [(0.95, ResultState.APPLIED), (0.4, ResultState.SUGGESTED)]
)
def test_what_the_provider_tells_decides_what_is_applied(
    tagging, simulator, make_animals, likely, state
):
    simulator.control(token_probability=likely)
    states = {enrich_row("tagging", each.pk).state for each in make_animals(12, description=TRAITS)}
    assert (ResultState.APPLIED in states) is (state == ResultState.APPLIED)
    result = EnrichmentResult.objects.filter(state=state).first()
    assert result.confidence_source == "log_probabilities"
    assert result.confidence == pytest.approx(likely, abs=0.001)
    assert {part["confidence"] for part in result.value} == {result.confidence}


@pytest.mark.django_db(transaction=True)
def test_a_model_that_cannot_tell_is_not_asked_and_says_it_itself(tagging, simulator, make_animals):
    ProviderModel.objects.update(supports_logprobs=False)
    snapshot.expire()
    simulator.control(token_probability=0.123)
    batch = creation.create("tagging", Selection(ids=[make_animals(1)[0].pk]))
    run_lane(batch.pk, seconds=20)
    result = batch.results.get()
    assert result.confidence_source == "self_reported"
    assert result.confidence != pytest.approx(0.123, abs=0.001)


@pytest.mark.django_db(transaction=True)
def test_the_cache_keeps_probabilities_and_tells_such_calls_from_others(
    tagging, simulator, settings
):
    settings.LLM_ENVIRONMENT = {**settings.LLM_ENVIRONMENT, "LLM_CACHE_ENABLED": True}
    messages: list[Message] = [{"role": "user", "content": "Say a word, and an ü."}]
    plain = client.generate(Call(node="tagging", messages=messages))
    assert plain.tokens == ()
    asked = client.generate(Call(node="tagging", messages=messages, logprobs=True))
    again = client.generate(Call(node="tagging", messages=messages, logprobs=True))
    assert b"".join(token for token, _ in asked.tokens).decode() == asked.text
    assert again.record.cache_hit
    assert again.tokens == asked.tokens

"""What of a call the response cache holds: under which key, and which answers it is given."""

from llmconfig.client.pipeline.state import AttemptResult, GenerationState
from llmconfig.client.pipeline.strategy import Strategy
from llmconfig.client.traffic import response_cache
from llmconfig.configuration.resolution import Target


def key_of(state: GenerationState, strategy: Strategy, target: Target) -> bytes | None:
    """What a target's answer would be kept under; None if it isn't kept."""
    call = state.call
    if call.choices > 1 or not (call.cache_sampled or target.temperature == 0):
        return None
    if strategy.cacheable and response_cache.enabled(state.configuration):
        return response_cache.key_of(target, call)
    return None


def keep(key: bytes, made: AttemptResult, state: GenerationState) -> None:
    """Keep what came of a call's request, if that is a good answer which the cache can hold."""
    reply = made.reply
    if reply is not None and response_cache.has_room_for(reply, state.call):
        response_cache.keep(key, reply, made.attempt.cost_usd, state.configuration)

"""A prompt's tokens, counted by the provider where it does so for nothing, else estimated."""

import logging

from msgspec import Struct

from llmconfig.client.http import transport
from llmconfig.client.http.transport import RequestFailed
from llmconfig.client.pipeline import endpoints
from llmconfig.client.pipeline.attempt import TargetExchange
from llmconfig.client.pipeline.endpoints import ProviderEndpoint
from llmconfig.client.pipeline.state import GenerationState
from llmconfig.client.pipeline.strategy import Strategy
from llmconfig.client.wire import BadReply
from llmconfig.client.wire.reading import dump, object_of, parse_value
from llmconfig.errors import ConfigurationError

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10.0
# Of a request, what its tokens don't depend on: the counting address refuses it.
NOT_COUNTED = frozenset(
    {
        "container", "inference_geo", "max_tokens", "metadata", "service_tier", "stop_sequences",
        "stream", "temperature", "top_k", "top_p",
    }
)  # fmt: skip


class TokenCount(Struct, frozen=True):
    """A prompt's tokens; an estimate is the most that common tokenizers make of it."""

    tokens: int
    estimated: bool


async def count(state: GenerationState, strategy: Strategy) -> TokenCount:
    """The count of the first target's provider; an estimate where it has none or doesn't answer."""
    target = state.resolution.targets[0]
    try:
        await endpoints.fetch_key(target, state.configuration)
        endpoint = endpoints.endpoint_of(target, state.configuration)
        if endpoint.wire.count_path:
            exchange = TargetExchange(state, strategy, target, endpoint)
            return TokenCount(await _ask(exchange.endpoint, exchange.payload), estimated=False)
    except (ConfigurationError, RequestFailed, BadReply) as error:
        logger.info("%s: tokens are estimated: %s", state.call.node, error)
    return TokenCount(strategy.most_used(state.call, target).input, estimated=True)


async def _ask(endpoint: ProviderEndpoint, payload: bytes) -> int:
    """Raises RequestFailed and BadReply."""
    asked = object_of(parse_value(payload))
    body = {name: value for name, value in asked.items() if name not in NOT_COUNTED}
    reply = await transport.post(
        endpoint.url.with_path(endpoint.url.path + endpoint.wire.count_path),
        headers=endpoint.headers,
        body=dump(body),
        timeout_s=TIMEOUT_SECONDS,
        private=endpoint.private,
    )
    tokens = object_of(parse_value(reply.body)).get("input_tokens")
    if reply.status != 200 or type(tokens) is not int or tokens < 0:
        raise BadReply(f"no count came back (status {reply.status})")
    return tokens

"""What the response cache does for the calls, and emptying it."""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from llmconfig.api.kit.documentation import extend_schema
from llmconfig.api.kit.endpoints import Endpoint
from llmconfig.client.http import background_loop
from llmconfig.client.traffic import response_cache
from llmconfig.configuration import snapshot
from llmconfig.roles import Role


class CacheStatsSerializer(serializers.Serializer[Any]):
    """Over all processes, unless `shared` is false: then over this one."""

    enabled = serializers.BooleanField()
    size = serializers.IntegerField(help_text="Answers kept.")
    max_size = serializers.IntegerField(help_text="The most that are kept.")
    process_size = serializers.IntegerField(help_text="Answers in this process's memory.")
    hit_rate = serializers.FloatField(help_text="From 0 to 1.")
    total_requests = serializers.IntegerField(help_text="Calls that looked in the cache.")
    hits = serializers.IntegerField()
    misses = serializers.IntegerField()
    saved_usd = serializers.DecimalField(
        max_digits=20, decimal_places=10, allow_null=True,
        help_text="What the answers had cost when first given; null where no cost is known.",
    )  # fmt: skip
    unpriced_hits = serializers.IntegerField(help_text="Hits whose saving isn't known.")
    shared = serializers.BooleanField()


class ClearedSerializer(serializers.Serializer[Any]):
    """The state that this process now has."""

    success = serializers.BooleanField()
    revision = serializers.IntegerField()


class CacheStats(Endpoint):
    """How well the response cache does."""

    @extend_schema(responses=CacheStatsSerializer)
    def get(self, request: Request) -> Response:
        """Sizes and counts as of now."""
        return Response(cache_statistics())


class ClearCache(Endpoint):
    """What processes keep: the configuration, and answers."""

    write_role: ClassVar[Role] = Role.OPERATOR

    @extend_schema(request=None, responses=ClearedSerializer)
    def post(self, request: Request) -> Response:
        """Read the configuration anew here, and forget all cached answers everywhere.

        Other processes compare their configuration every second anyhow.
        """
        snapshot.expire()
        background_loop.run(response_cache.clear())
        return Response({"success": True, "revision": snapshot.current().revision})


def cache_statistics() -> dict[str, Any]:
    """The fields of CacheStatsSerializer, as of now."""
    found, state = background_loop.run(response_cache.statistics()), snapshot.current()
    most = "LLM_CACHE_SHARED_SIZE" if found.shared else "LLM_CACHE_MAX_SIZE"
    body = {
        "enabled": response_cache.enabled(state),
        "size": found.size,
        "max_size": state.setting(most),
        "process_size": found.process_size,
        "hit_rate": found.hit_rate,
        "total_requests": found.total_requests,
        "hits": found.hits,
        "misses": found.misses,
        "saved_usd": found.saved_usd,
        "unpriced_hits": found.unpriced_hits,
        "shared": found.shared,
    }
    return dict(CacheStatsSerializer(body).data)

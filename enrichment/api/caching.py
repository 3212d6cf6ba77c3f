"""What the response cache does for the calls (seed 3's cache-stats)."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from enrichment.api.failures import EnrichmentEndpoint
from llmconfig import snapshot
from llmconfig.client import cache, loop


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
        max_digits=20, decimal_places=10, help_text="What the answers had cost when first given."
    )
    shared = serializers.BooleanField()


class CacheStats(EnrichmentEndpoint):
    """How well the response cache does."""

    @extend_schema(responses=CacheStatsSerializer)
    def get(self, request: Request) -> Response:
        """Sizes and counts as of now."""
        found, state = loop.run(cache.statistics()), snapshot.current()
        most = "LLM_CACHE_SHARED_SIZE" if found.shared else "LLM_CACHE_MAX_SIZE"
        body = {
            "enabled": cache.enabled(state),
            "size": found.size,
            "max_size": state.setting(most),
            "process_size": found.process_size,
            "hit_rate": found.hit_rate,
            "total_requests": found.total_requests,
            "hits": found.hits,
            "misses": found.misses,
            "saved_usd": found.saved_usd,
            "shared": found.shared,
        }
        return Response(CacheStatsSerializer(body).data)

"""What the response cache does for the calls under `/api/llm`."""

from rest_framework.request import Request
from rest_framework.response import Response

from enrichment.api.failures import EnrichmentEndpoint
from llmconfig.api.caching import CacheStatsSerializer, cache_statistics
from llmconfig.api.kit.documentation import extend_schema


class EnrichmentCacheStats(EnrichmentEndpoint):
    """How well the response cache does."""

    @extend_schema(responses=CacheStatsSerializer)
    def get(self, request: Request) -> Response:
        """Sizes and counts as of now."""
        return Response(cache_statistics())

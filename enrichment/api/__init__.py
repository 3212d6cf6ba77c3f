"""The enrichment API."""

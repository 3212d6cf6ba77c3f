"""The enrichment API (seed 3)."""

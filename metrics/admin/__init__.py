"""Admin pages of the metrics tables."""

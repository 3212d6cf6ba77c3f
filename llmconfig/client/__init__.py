"""The one road to providers."""

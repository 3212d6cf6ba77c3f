"""Which model answers each call, and calling it."""

__version__ = "0.1.0"

"""LiteLLM's configuration as ours: read, told apart entry by entry, and brought in by the sync."""

"""`make bench`: what the figures in docs/performance.md are measured with."""

"""What code needs that lives in several event loops, threads and forked processes at once."""

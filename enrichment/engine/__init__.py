"""The batch engine: claim a chunk, keep calls in flight, write what came back, under a lease."""

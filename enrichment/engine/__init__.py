"""The batch engine: claim a chunk, keep calls in flight, write what came back, all under a lease."""

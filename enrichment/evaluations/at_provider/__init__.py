"""Runs at batch price: cases handed over as a provider's own batches, by `engine.submissions`."""

"""The cheap model where it is good enough, the dear one elsewhere: thresholds with a guarantee."""

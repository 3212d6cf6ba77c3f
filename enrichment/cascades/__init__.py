"""The cheap model where it is good enough, the dear one elsewhere: thresholds with a guarantee.

The arithmetic alone: no node is a cascade yet.
"""

"""Cascades of single calls: a node's windows of calls, each with the promise of a batch."""

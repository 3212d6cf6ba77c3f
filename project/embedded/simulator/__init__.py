"""A loopback provider for tests, the demo and benchmarks: docs/simulator.md tells how to use it."""

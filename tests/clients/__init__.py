"""Real clients and SDKs at `/v1`, each in an environment of its own: `make clients`."""

"""The compatible endpoint `/v1`: OpenAI's and Anthropic's clients get their model from here.

Plain ASGI, in front of Django's middleware. docs/gateway.md describes it.
"""

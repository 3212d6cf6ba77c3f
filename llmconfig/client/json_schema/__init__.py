"""JSON schemas of callers: read without trust, checked in bounded time, written for each wire.

`document` reads a schema and refuses what can't be used; `contradictions` finds bounds that no
value keeps; `quick_checks` says yes to good answers in microseconds and `judge` says what is wrong
with the others; `forms` writes a schema as a provider takes it; `patterns` matches in linear time.
"""

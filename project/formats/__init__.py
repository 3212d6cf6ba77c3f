"""Formats of dates by language, in place of Django's own."""

"""Wiring: settings, URLs, the ASGI and Celery entry points.

Celery's application isn't imported here: only workers, and who hands them something
(`LLM_CELERY_APP`), need it.
"""

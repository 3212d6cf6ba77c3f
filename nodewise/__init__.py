"""What a Django project imports: `.urls`, `.asgi`, `.schedule`, `.health` in one line each.

`.llm`, `.enrichment` and `.testing` are its Python API (docs/python-api.md).
"""

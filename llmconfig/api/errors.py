"""One shape of error for all APIs; nothing inside is revealed."""

from typing import Any

from rest_framework.response import Response
from rest_framework.views import exception_handler


def answer(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception hook."""
    return exception_handler(error, context)

"""What calls cost and how good they were, for programs."""

from rest_framework import status

from llmconfig.api.kit import errors
from metrics.errors import ExportUnreadable, Unanswerable

errors.register(Unanswerable, status=status.HTTP_400_BAD_REQUEST)
errors.register(ExportUnreadable, status=status.HTTP_400_BAD_REQUEST)

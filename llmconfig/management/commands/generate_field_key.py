"""`manage.py generate_field_key`: a new key for LLM_FIELD_KEYS."""

from typing import Any

from cryptography.fernet import Fernet
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Prints one key and stores nothing."""

    help = "Print a new key for LLM_FIELD_KEYS; put it in front of those that are there."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(Fernet.generate_key().decode())

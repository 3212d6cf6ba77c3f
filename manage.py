#!/usr/bin/env python
"""Run a management command; `python manage.py help` lists them."""

import os
import sys


def main() -> None:
    """Hand the command line to Django."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    from django.core.management import execute_from_command_line  # settings first

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()

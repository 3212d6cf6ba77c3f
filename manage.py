#!/usr/bin/env python
"""Run a management command; `python manage.py help` lists them."""

import os
import sys


def main() -> None:
    """Hand the command line to Django; what a person must mend is one line, not a traceback."""
    if sys.argv[1:2] == ["llm_simulator"]:
        # It needs no settings, and must start where there are none.
        from project.embedded.simulator.command_line import main as simulate

        simulate(sys.argv[2:])
        return
    from nodewise import memory

    if sys.argv[1:2] == ["check"]:
        memory.collect_never()
    else:
        memory.collect_seldom()
    memory.end_at_once()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"{sys.argv[0]}: {error}")
    except OperationalError as error:
        reason = str(error).splitlines()[0]
        sys.exit(f"{sys.argv[0]}: the database can't be used (DATABASE_URL): {reason}")


if __name__ == "__main__":
    main()

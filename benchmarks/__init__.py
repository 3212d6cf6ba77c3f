"""`make bench`: what the figures in docs/performance.md are measured with."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

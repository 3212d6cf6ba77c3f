"""A host's own admin site, in the place of Django's."""

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig


class Backoffice(AdminSite):
    """Under another title; who may enter is decided as ever."""

    site_header = "Backoffice"


class BackofficeConfig(AdminConfig):
    """Named in INSTALLED_APPS instead of django.contrib.admin."""

    default_site = "tests.hosts.backoffice.Backoffice"

"""The overview's card about what the machines around us should be set to."""

from django.http import HttpRequest

from llmconfig.admin.kit.dashboard import Widget
from nodewise.surroundings import complaints


def surroundings_widget(request: HttpRequest) -> Widget | None:
    """What an administrator has to set right; no card while all is well."""
    if not request.user.has_perm("llmconfig.change_llmconfig"):
        return None
    found = list(complaints().values())
    if not found:
        return None
    return Widget("nodewise/widgets/surroundings.html", {"complaints": found}, width=12)

"""What administrators may do about people: add them, and give and take roles, never beyond theirs.

Superusers, API tokens and groups that are no role stay with superusers: whoever may change those
could make themselves one.
"""

from typing import Any

from django.contrib.auth.models import Group
from django.http import HttpRequest

from llmconfig.roles import READER, Role, group_name

ABOUT_PEOPLE = (("auth", "view_user"), ("auth", "add_user"), ("auth", "change_user"),
                ("auth", "view_group"))  # fmt: skip


def role_groups() -> Any:
    """The groups that an administrator may give: the roles, and the readers of texts."""
    names = [group_name(each) for each in (*(role.value for role in Role), READER)]
    return Group.objects.filter(name__in=names)


def manages_everybody(request: HttpRequest) -> bool:
    """Whether a person may also change superusers and make some."""
    return bool(getattr(request.user, "is_superuser", False))

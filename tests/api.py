"""Callers of the APIs: one client for each role."""

from django.contrib.auth.models import Group, User
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from llmconfig.roles import Role

ANONYMOUS = "anonymous"


def caller(role: str, *, username: str = "") -> APIClient:
    """A client with a token of a fresh user in this role; anonymous ones have none."""
    client = APIClient(raise_request_exception=False)
    if role == ANONYMOUS:
        return client
    user, _ = User.objects.get_or_create(username=username or f"the-{role}")
    if role in Role.values:
        user.groups.set([Group.objects.get(name=role)])
    token, _ = Token.objects.get_or_create(user=user)
    client.credentials(HTTP_AUTHORIZATION=f"Token {token.key}")
    return client

"""The demo's one-time login: a link that works once, in development only."""

from django.contrib.auth import get_user_model, login
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET

NAME = "demo"
BACKEND = "django.contrib.auth.backends.ModelBackend"


def make_link(address: str) -> str:
    """A link that logs in as the demo's administrator; the login itself makes it invalid."""
    user, made = User.objects.get_or_create(
        username=NAME, defaults={"is_staff": True, "is_superuser": True}
    )
    if made:
        user.set_unusable_password()
        user.save()
    return f"{address}/demo-login/{default_token_generator.make_token(user)}/"


@require_GET
def one_time_login(request: HttpRequest, token: str) -> HttpResponse:
    """Log in and go to the admin; 404 for a link that was used or never was one."""
    with transaction.atomic():  # one of parallel requests is first, and makes the link invalid
        user = get_user_model().objects.select_for_update().filter(username=NAME).first()
        if user is None or not default_token_generator.check_token(user, token):
            raise Http404("This link was used or is too old; run `make demo` for a new one.")
        login(request, user, backend=BACKEND)
    return redirect("admin:index")

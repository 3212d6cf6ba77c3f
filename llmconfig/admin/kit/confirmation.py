"""A question before what can't be undone: the same request again, with a person's yes."""

from collections.abc import Sequence

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

CONFIRMED = "confirmed"


def is_confirmed(request: HttpRequest) -> bool:
    """Whether the person has answered the question with yes."""
    return request.POST.get(CONFIRMED) == "yes"


def ask(
    request: HttpRequest, *, question: str, details: Sequence[str], verb: str, back: str
) -> HttpResponse:
    """The page that asks; its button, named `verb`, repeats the POST, `back` is the way out."""
    given = [
        (name, value)
        for name, values in request.POST.lists()
        if name not in {CONFIRMED, "csrfmiddlewaretoken"}
        for value in values
    ]
    return TemplateResponse(
        request,
        "nodewise/confirm.html",
        {
            **admin.site.each_context(request),
            "title": question,
            "details": details,
            "verb": verb,
            "back": back,
            "given": given,
            "confirmed_name": CONFIRMED,
        },
    )

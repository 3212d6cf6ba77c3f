"""Judging an answer: a thumb, a score and a note, on the pages of its call, texts and result."""

import datetime as dt
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext

from metrics.feedback import AFTER, BEFORE, PersonsJudgement, judge, judgement_of
from metrics.models import GenerationHistory

TO_JUDGE = "metrics.operate_generationhistory"
TO_READ = "metrics.read_generationhistory"
THUMBS = {"up": True, "down": False, "": None}
MAX_NOTE = 2_000


def judging(request: HttpRequest, correlation_id: UUID | None, near: dt.datetime) -> dict[str, Any]:
    """What the form shows; nothing where the person may not judge or the texts aren't kept."""
    if correlation_id is None or not request.user.has_perm(TO_JUDGE):
        return {}
    row = _history(correlation_id, near)
    if row is None:
        return {}
    said = judgement_of(row)
    address = reverse("admin:metrics_judge", args=[correlation_id, int(near.timestamp())])
    return {
        "judging": {
            "address": address,
            "back": request.get_full_path(),
            "thumb": {True: "up", False: "down", None: ""}[said.thumb],
            "score": "" if said.score is None else f"{said.score:g}",
            "note": said.note or "",
            # A note may quote what its reader may not see.
            "shows_note": request.user.has_perm(TO_READ),
            "thumbs": (
                ("up", gettext("👍 Good")),
                ("down", gettext("👎 Bad")),
                ("", gettext("No thumb")),
            ),
        }
    }


def judge_view(request: HttpRequest, correlation_id: UUID, near: int) -> HttpResponse:
    """Note what the form says in place of what was said before."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not request.user.has_perm(TO_JUDGE):
        raise PermissionDenied
    moment = dt.datetime.fromtimestamp(min(near, 2**33), dt.UTC)
    row = _history(correlation_id, moment)
    try:
        judgement = PersonsJudgement(
            thumb=THUMBS.get(request.POST.get("thumb", "")),
            score=_score(request.POST.get("score", "")),
            note=request.POST.get("note", "")[:MAX_NOTE]
            if request.user.has_perm(TO_READ)
            else row.user_feedback
            if row is not None
            else None,
        )
    except ValueError as error:
        messages.error(request, str(error))
    else:
        if row is not None and judge(correlation_id, near=row.created_at, judgement=judgement):
            messages.success(request, gettext("Your rating is saved."))
        else:
            messages.warning(
                request, gettext("The prompt and answer of this call are no longer kept.")
            )
    back = request.POST.get("back", "")
    safe = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()})
    return HttpResponseRedirect(back if safe else reverse("admin:index"))


def _score(text: str) -> float | None:
    try:
        found = float(text) if text.strip() else None
    except ValueError:
        found = -1.0
    if found is not None and not 0 <= found <= 1:
        raise ValueError(gettext("score: enter a number from 0 to 1."))
    return found


def _history(correlation_id: UUID, near: dt.datetime) -> GenerationHistory | None:
    return (
        GenerationHistory.objects.filter(
            correlation_id=correlation_id, created_at__range=(near - BEFORE, near + AFTER)
        )
        .only("created_at", "quality_parts", "user_accepted", "user_feedback")
        .first()
    )


def judging_urls() -> list[URLPattern]:
    """Where the form is sent."""
    view = admin.site.admin_view(judge_view)
    return [path("judge/<uuid:correlation_id>/<int:near>/", view, name="metrics_judge")]

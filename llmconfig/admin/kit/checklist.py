"""The first steps on the overview: each app registers its own, and most do themselves."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.urls import reverse
from msgspec import Struct, field

from llmconfig.admin.kit.dashboard import Widget
from llmconfig.errors import LLMError

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class StepState(Struct, frozen=True):
    """How a step stands. `template` draws what does it, with `context`, there named `step`.

    `detail` says what is there already, or what is missing.
    """

    done: bool
    detail: str
    template: str = ""
    context: dict[str, Any] = field(default_factory=dict)


class Step(Struct, frozen=True):
    """One thing that a new installation needs, for whom `permission` opens it.

    `look` says how it stands; `do` carries out its button and returns what to tell, and raises
    LLMError for what can't be.
    """

    name: str
    title: "StrOrPromise"
    rank: int
    permission: str
    look: Callable[[HttpRequest], StepState]
    do: Callable[[HttpRequest], str] | None = None


_STEPS: dict[str, Step] = {}
REFUSED = "llm_refused_step"  # in the session
SECRET = frozenset({"key", "csrfmiddlewaretoken"})  # of a step's fields


def register_step(step: Step) -> None:
    """Put a step on the list; lower ranks come first."""
    _STEPS[step.name] = step


def checklist_widget(request: HttpRequest) -> Widget | None:
    """All steps while one of them is open; no card when all are done."""
    if not request.user.has_perm("llmconfig.change_llmconfig"):
        return None
    steps = [
        (step, step.look(request))
        for step in sorted(_STEPS.values(), key=lambda each: each.rank)
        if request.user.has_perm(step.permission)
    ]
    left = [step for step, state in steps if not state.done]
    if not left:
        return None
    lines = [
        {
            "title": step.title,
            "state": state,
            "next": step is left[0],
            "address": reverse("admin:llm_first_step", args=[step.name]) if step.do else "",
        }
        for step, state in steps
    ]
    return Widget(
        "nodewise/widgets/checklist.html",
        {"steps": lines, "done": len(steps) - len(left), "total": len(steps)},
        width=12,
    )


def refused(request: HttpRequest, name: str) -> Mapping[str, str]:
    """What was typed into a step that was refused just now, by field, without secrets; once."""
    kept = request.session.get(REFUSED) or {}
    if kept.get("step") != name:
        return {}
    del request.session[REFUSED]
    return kept["given"]  # type: ignore[no-any-return]  # as `step_view` put it there


def step_view(request: HttpRequest, name: str) -> HttpResponse:
    """A step's button, pressed; then the overview again. No transaction is open."""
    step = _STEPS.get(name)
    if step is None or step.do is None:
        raise Http404
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not request.user.has_perm("llmconfig.change_llmconfig") or not request.user.has_perm(
        step.permission
    ):
        raise PermissionDenied
    try:
        messages.success(request, step.do(request))
    except LLMError as refusal:
        messages.error(request, str(refusal))
        given = {key: value for key, value in request.POST.items() if key not in SECRET}
        request.session[REFUSED] = {"step": name, "given": given}
    return HttpResponseRedirect(reverse("admin:index"))

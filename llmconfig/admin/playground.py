"""The playground: a call to what its fields offer, up to three side by side; answers as they come.

The answer is sent as lines of JSON: `{"text": …}` for each piece, at last `{"summary": …}`, which
is HTML. Pieces are text; the page never reads them as HTML.
"""

import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    JsonResponse,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from msgspec import Struct

from llmconfig import client
from llmconfig.admin.explain import LABELS, describe, name_of
from llmconfig.admin.kit.attempts import attempt_lines
from llmconfig.admin.kit.panels import (
    AskedBefore,
    asked_about,
    call_link,
    nodes_with_rows,
    recorded_call,
)
from llmconfig.admin.kit.theme import TextareaWidget, TextWidget
from llmconfig.admin.kit.who_answers import who_answers
from llmconfig.client.errors import GenerationFailed
from llmconfig.client.structured_output import SchemaUnusable, compile_schema
from llmconfig.client.types import Call, CallRecord, Delta, Generation, Labels, Message
from llmconfig.configuration import snapshot
from llmconfig.configuration.known_costs import money
from llmconfig.configuration.numbers import count, milliseconds
from llmconfig.configuration.resolution import explain
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.errors import CallsDisabled, LLMError, UnknownNode
from llmconfig.models import InteractionType
from llmconfig.runtime.records import asdict

PERMISSION = "llmconfig.operate_llmconfig"
SERVICE = "playground"
LONGEST = 100_000  # characters of a message
MAX_ASKED = 3  # side by side


class PlaygroundForm(forms.Form):
    """What to ask, by which node or model, and with what parameters."""

    target = forms.CharField(
        label=_("Node, interaction type or model"),
        max_length=250,
        widget=TextWidget(attrs={"list": "llm-targets", "autocomplete": "off"}),
        help_text=_("Such as a node's name, responder, openai/gpt-4o or tier:cloud_fast."),
    )
    system = forms.CharField(
        label=_("System message"),
        required=False,
        max_length=LONGEST,
        widget=TextareaWidget(attrs={"rows": 2, "placeholder": _("None")}),
    )
    message = forms.CharField(
        label=_("Message"),
        max_length=LONGEST,
        strip=False,
        widget=TextareaWidget(attrs={"rows": 5, "placeholder": _("Ask something")}),
    )
    temperature = forms.FloatField(
        localize=True,  # a comma where the reader writes one
        label=_("Temperature"),
        required=False,
        min_value=0,
        max_value=2,
        widget=TextWidget(attrs={"inputmode": "decimal", "placeholder": _("as configured")}),
    )
    max_tokens = forms.IntegerField(
        label=_("Max tokens"),
        required=False,
        min_value=1,
        max_value=1_000_000,
        widget=TextWidget(attrs={"inputmode": "numeric", "placeholder": _("as configured")}),
    )
    schema = forms.CharField(
        label=_("JSON schema"),
        required=False,
        max_length=LONGEST,
        widget=TextareaWidget(attrs={"rows": 3, "placeholder": _("None: any text")}),
        help_text=_("The answer must be JSON that matches it."),
    )

    def clean_schema(self) -> dict[str, Any] | None:
        """The schema as an object; None if there is none."""
        text = self.cleaned_data["schema"].strip()
        if not text:
            return None
        try:
            schema = json.loads(text)
        except ValueError as error:
            raise forms.ValidationError(
                gettext("This is not JSON: {error}.").format(error=error)
            ) from None
        except RecursionError:
            raise forms.ValidationError(gettext("This is nested too deeply.")) from None
        if not isinstance(schema, dict):
            raise forms.ValidationError(
                gettext('A schema is an object, such as {"type": "object"}.')
            )
        try:
            compile_schema(schema)
        except SchemaUnusable as error:
            raise forms.ValidationError(str(error)) from None
        return schema


class DecidedField(Struct, frozen=True):
    """A field's value in force, and the layer that decided it."""

    label: str
    value: str
    layer: str


def may_call(request: HttpRequest) -> bool:
    """Operators and administrators: a call costs money."""
    return request.user.has_perm(PERMISSION)


def playground_url(target: str) -> str:
    """The page with this target filled in."""
    return f"{reverse('admin:llm_playground')}?{urlencode({'target': target})}"


def playground_of_call(request: HttpRequest, correlation_id: UUID) -> str:
    """The page with what a stored call asked filled in; blank for who may call nobody."""
    address = f"{reverse('admin:llm_playground')}?{urlencode({'call': str(correlation_id)})}"
    return address if may_call(request) else ""


def playground_view(request: HttpRequest) -> HttpResponse:
    """The form; the page's script sends it to `answer_view`."""
    if not may_call(request):
        raise PermissionDenied
    state = snapshot.current()
    before = _asked_before(request)
    return TemplateResponse(
        request,
        "nodewise/playground.html",
        {
            **admin.site.each_context(request),
            "title": gettext("Playground"),
            "form": PlaygroundForm(initial=_initial(request, before, state)),
            "before": before,
            "nodes": nodes_with_rows(),
            "row": request.GET.get("row", ""),
            "others": range(2, MAX_ASKED + 1),
            "targets": _targets(state),
            "answers": who_answers(request),
        },
    )


def _asked_before(request: HttpRequest) -> AskedBefore | None:
    """The row or the recorded call that the address names."""
    call, node = request.GET.get("call", "").strip(), request.GET.get("target", "")
    if call:
        try:
            found = recorded_call(request, UUID(call))
        except ValueError:
            found = None
        missing = _(
            "There is no such call, its prompt and answer are no longer kept, or you may "
            "not read them."
        )
        return found or AskedBefore("", str(missing))
    return asked_about(request, node, request.GET["row"]) if "row" in request.GET else None


def _initial(request: HttpRequest, before: AskedBefore | None, state: Snapshot) -> dict[str, str]:
    target = (before.target if before else "") or request.GET.get("target", "")
    initial = {"target": target or _first_target(state)}
    if before is not None:
        initial |= {"system": before.system, "message": before.message}
        if before.schema is not None:
            initial["schema"] = json.dumps(before.schema, indent=2, ensure_ascii=False)
    return initial


def answer_view(request: HttpRequest) -> HttpResponseBase:
    """Carry the call out; 400 with the form's errors, else lines of JSON as the answer comes."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not may_call(request):
        raise PermissionDenied
    form = PlaygroundForm(request.POST)
    if not form.is_valid():
        return JsonResponse({"errors": form.errors}, status=400)
    call = _call(form.cleaned_data)
    about = {
        "decisions": _decisions(call),
        "page": call_link(request, call.correlation_id) if call.correlation_id else "",
        "switch": (
            reverse("admin:llmconfig_llmconfig_changelist")
            if request.user.has_perm("llmconfig.change_llmconfig")
            else ""
        ),
    }
    answer = StreamingHttpResponse(
        _lines(call, about), content_type="application/x-ndjson; charset=utf-8"
    )
    answer["Cache-Control"] = "no-store"
    answer["X-Accel-Buffering"] = "no"  # a proxy in front passes each line on at once
    return answer


def _call(asked: Mapping[str, Any]) -> Call:
    messages: list[Message] = [{"role": "user", "content": asked["message"]}]
    if asked["system"]:
        messages.insert(0, {"role": "system", "content": asked["system"]})
    given = {name: asked[name] for name in ("temperature", "max_tokens") if asked[name] is not None}
    return Call(
        node=asked["target"],
        messages=messages,
        schema=asked["schema"],
        given=given,
        correlation_id=uuid4(),
        use_cache=False,  # whoever presses the button wants to see what the model says now
        labels=Labels(service_name=SERVICE),
    )


async def _lines(call: Call, about: Mapping[str, Any]) -> AsyncGenerator[bytes]:
    """Pieces, then the summary; closing it early ends the call, which leaves its record."""
    try:
        async for piece in client.astream(call):
            if isinstance(piece, Delta):
                yield _line(text=piece.text)
            else:
                yield _line(answer=_shown(piece), summary=_summary(piece.record, about))
    except GenerationFailed as failure:
        yield _line(summary=_summary(failure.record, about, error=str(failure)))
    except LLMError as error:
        off = isinstance(error, CallsDisabled)
        yield _line(summary=_refused({**about, "error": str(error), "off": off}))


def _line(**event: str) -> bytes:
    return json.dumps(event).encode() + b"\n"


def _shown(made: Generation) -> str:
    """The whole answer; JSON and calls of tools are laid out."""
    if made.tool_calls:
        return made.text + json.dumps(made.tool_calls, indent=2, ensure_ascii=False)
    if made.parsed is not None:
        return json.dumps(made.parsed, indent=2, ensure_ascii=False)
    return made.text


def _summary(record: CallRecord, about: Mapping[str, Any], *, error: str = "") -> str:
    """What became of the call, as HTML in which all that others said is escaped."""
    context = {
        **about,
        "error": error,
        "record": record,
        "served": f"{record.provider}/{record.model}" if record.provider else record.model,
        "attempts": attempt_lines([asdict(each) for each in record.attempts]),
        "figures": (
            (gettext("tokens in"), count(record.usage.tokens_input)),
            (gettext("tokens out"), count(record.usage.tokens_output)),
            (gettext("cost"), money(record.cost_usd)),
            (gettext("latency"), milliseconds(record.latency_ms)),
        ),
    }
    return render_to_string("nodewise/playground_summary.html", context)


def _refused(context: dict[str, Any]) -> str:
    """A call that the configuration forbids; nobody was asked."""
    return render_to_string("nodewise/playground_summary.html", context)


def _decisions(call: Call) -> list[DecidedField]:
    """Each field that some layer decided; none for a name that nobody knows."""
    try:
        found = explain(call.node, snapshot=snapshot.current(), given=call.given)
    except UnknownNode:
        return []
    rows = [(name, LABELS[name], found.winner(name)) for name in LABELS]
    return [
        DecidedField(
            str(label),
            ", ".join(winner.value) if name == "fallbacks" else str(winner.value),
            name_of(winner.layer),
        )
        for name, label, winner in rows
        if winner is not None
    ]


def _targets(state: Snapshot) -> list[tuple[str, str]]:
    """What the field offers, with what each is; embeddings have no answer to show."""
    chat = [model for model in state.models.values() if model.kind == "chat"]
    return [
        *(
            (node.name, _offer(node.name, gettext("node"), state))
            for node in sorted(state.nodes.values(), key=lambda each: each.name)
            if node.interaction_type != InteractionType.EMBEDDINGS
        ),
        *(
            (each.value, _offer(each.value, gettext("interaction type"), state))
            for each in InteractionType
            if each != InteractionType.EMBEDDINGS
        ),
        *((f"tier:{model.tier}", gettext("tier")) for model in chat if model.tier),
        *sorted((f"{model.provider}/{model.model_id}", gettext("model")) for model in chat),
    ]


def _offer(name: str, what: str, state: Snapshot) -> str:
    targets = explain(name, snapshot=state).targets
    return (
        gettext("{what}, resolves to {target}").format(what=what, target=describe(targets[0]))
        if targets
        else gettext("{what}, no model").format(what=what)
    )


def _first_target(state: Snapshot) -> str:
    """Something that answers, so that a first call needs no choice."""
    name = InteractionType.RESPONDER.value
    return name if explain(name, snapshot=state).targets else ""

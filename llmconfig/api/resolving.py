"""What the configuration comes to: explanations, a summary, whether all can be served."""

from typing import Any

from django.utils.translation import gettext
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from llmconfig.api.kit.documentation import extend_schema
from llmconfig.api.kit.endpoints import Endpoint
from llmconfig.configuration import snapshot
from llmconfig.configuration.facts import UserKey
from llmconfig.configuration.layers import FIELDS
from llmconfig.configuration.resolution import Resolution, Target, explain
from llmconfig.configuration.snapshot import Snapshot
from llmconfig.diagnostics.named_models import Listing
from llmconfig.diagnostics.validation import findings
from llmconfig.errors import UnknownNode
from llmconfig.models import InteractionType
from llmconfig.roles import user_named


class TargetSerializer(serializers.Serializer[Any]):
    """One provider and model to try, with what is sent."""

    provider = serializers.CharField()
    model = serializers.CharField()
    temperature = serializers.FloatField(allow_null=True)
    max_tokens = serializers.IntegerField(allow_null=True)
    dropped = serializers.ListField(
        child=serializers.CharField(), help_text="Parameters that the model doesn't take."
    )


class LayerSerializer(serializers.Serializer[Any]):
    """What one layer holds for a field; null is nothing."""

    layer = serializers.CharField()
    value = serializers.JSONField(allow_null=True)


class FieldSerializer(serializers.Serializer[Any]):
    """A field: its value, the layer that won, and what every layer holds."""

    field = serializers.CharField()
    value = serializers.JSONField(allow_null=True)
    layer = serializers.CharField(allow_null=True)
    layers = LayerSerializer(many=True)


class ExplanationSerializer(serializers.Serializer[Any]):
    """Where each value of a call comes from."""

    name = serializers.CharField()
    interaction_type = serializers.CharField(allow_blank=True)
    enabled = serializers.BooleanField(help_text="The master switch.")
    revision = serializers.IntegerField()
    tracing = serializers.BooleanField()
    targets = TargetSerializer(many=True)
    fields_in_force = FieldSerializer(many=True)
    warnings = serializers.ListField(child=serializers.CharField())


class SummarySerializer(serializers.Serializer[Any]):
    """The configuration in sentences."""

    summary = serializers.ListField(child=serializers.CharField())


class NamedModelSerializer(serializers.Serializer[Any]):
    """One model that is named, and whether it can be served."""

    reference = serializers.CharField()
    role = serializers.ChoiceField(["model", "fallback", "degrade_to"])
    listing = serializers.ChoiceField(
        Listing.choices, help_text="Whether its provider lists it; unknown before any discovery."
    )
    targets = serializers.ListField(child=serializers.CharField())
    nearest = serializers.ListField(
        child=serializers.CharField(), help_text="Listed models with like names."
    )
    problem = serializers.CharField(allow_blank=True, help_text="Why it can't be served.")


class FindingSerializer(serializers.Serializer[Any]):
    """Whether everything that one interaction type or node names can be served."""

    name = serializers.CharField()
    kind = serializers.ChoiceField(["interaction type", "node"])
    valid = serializers.BooleanField()
    target = serializers.CharField(allow_blank=True, help_text="The first one that can be called.")
    problems = serializers.ListField(child=serializers.CharField())
    warnings = serializers.ListField(child=serializers.CharField())
    models = NamedModelSerializer(many=True)


class ValidationSerializer(serializers.Serializer[Any]):
    """Whether every interaction type and node can be served."""

    valid = serializers.BooleanField()
    enabled = serializers.BooleanField(help_text="The master switch; off, no call is made.")
    results = FindingSerializer(many=True)


class Explain(Endpoint):
    """Where each value of a node, interaction type or model reference comes from."""

    @extend_schema(
        parameters=[
            OpenApiParameter("user", str, description="Username whose choices count."),
            OpenApiParameter(
                "experiment_key", str, description="Key whose arm of a running experiment counts."
            ),
        ],
        responses=ExplanationSerializer,
    )
    def get(self, request: Request, name: str) -> Response:
        """Resolve as a call would, also while calls are switched off."""
        state = snapshot.current()
        try:
            found = explain(
                name,
                snapshot=state,
                user_id=_user_id(request),
                experiment_key=request.query_params.get("experiment_key", ""),
            )
        except UnknownNode as error:
            raise NotFound(str(error)) from None
        return Response(ExplanationSerializer(_explanation(found, state)).data)


class Summary(Endpoint):
    """Describes the configuration in sentences for people."""

    @extend_schema(responses=SummarySerializer)
    def get(self, request: Request) -> Response:
        """One line for each interaction type, after one about the switch."""
        state = snapshot.current()
        lines = ["LLM calls are on." if _enabled(state) else "All LLM calls are switched off."]
        lines += [_line(name, state) for name in InteractionType.values]
        off = [each.name for each in state.providers.values() if not each.is_enabled]
        if off:
            lines.append(f"Disabled providers: {', '.join(off)}.")
        return Response({"summary": lines})


class Validate(Endpoint):
    """Whether the configuration can serve everything, without calling anybody."""

    @extend_schema(responses=ValidationSerializer)
    def get(self, request: Request) -> Response:
        """Resolve every interaction type and node and read the keys."""
        state = snapshot.current()
        found = findings(state)
        body = {
            "valid": all(each.valid for each in found),
            "enabled": _enabled(state),
            "results": found,
        }
        return Response(ValidationSerializer(body).data)


def _user_id(request: Request) -> UserKey | None:
    username = request.query_params.get("user", "")
    if not username:
        return None
    printable = username.isprintable()
    found = user_named(username) if printable else None
    if found is None:
        raise ValidationError({"user": gettext("There is no user of this name.")})
    return found.pk


def _enabled(state: Snapshot) -> bool:
    return bool(state.processing.get("enabled"))


def _explanation(found: Resolution, state: Snapshot) -> dict[str, Any]:
    return {
        "name": found.name,
        "interaction_type": found.interaction_type,
        "enabled": _enabled(state),
        "revision": found.revision,
        "tracing": found.tracing,
        "targets": [_target(each) for each in found.targets],
        "fields_in_force": [_field(name, found) for name in FIELDS],
        "warnings": found.warnings,
    }


def _target(target: Target) -> dict[str, Any]:
    return {
        "provider": target.provider.name,
        "model": target.model_id,
        "temperature": target.temperature,
        "max_tokens": target.max_tokens,
        "dropped": target.dropped,
    }


def _field(name: str, found: Resolution) -> dict[str, Any]:
    winner = found.winner(name)
    return {
        "field": name,
        "value": winner.value if winner else None,
        "layer": winner.layer if winner else None,
        "layers": [
            {"layer": each.layer, "value": None if each.value in {"", ()} else each.value}
            for each in found.layers[name]
        ],
    }


def _line(name: str, state: Snapshot) -> str:
    found = explain(name, snapshot=state)
    if not found.targets:
        return f"{name}: nothing can serve it. {' '.join(found.warnings)}".strip()
    first, *others = found.targets
    parts = [f"{name}: {first.provider.name}/{first.model_id}"]
    if first.temperature is not None:
        parts.append(f"temperature {first.temperature:g}")
    if first.max_tokens is not None:
        parts.append(f"at most {first.max_tokens} tokens")
    if others:
        parts.append("then " + ", ".join(f"{x.provider.name}/{x.model_id}" for x in others))
    return ", ".join(parts)

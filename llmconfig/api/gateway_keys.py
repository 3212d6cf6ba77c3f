"""Keys for `/v1`: made here, given once, kept as a hash."""

from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from django.utils.translation import gettext
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from llmconfig.api.kit.bodies import StrictModelSerializer, StrictSerializer, UserField
from llmconfig.api.kit.documentation import extend_schema
from llmconfig.api.kit.endpoints import ConfigurationList, ConfigurationRow, Endpoint
from llmconfig.gateway.keys import (
    MAX_OVERLAP,
    Scope,
    check_expiry,
    check_scope,
    give_key,
    rotate,
)
from llmconfig.models import GatewayKey
from llmconfig.roles import username_field


class GatewayKeySerializer(StrictModelSerializer[GatewayKey]):
    """A key's row: what it may call, whose it is and until when. Never the key."""

    user = UserField(
        required=False,
        allow_null=True,
        help_text="Whose own model choices apply to its calls. The key stops with this account.",
    )

    class Meta:
        model = GatewayKey
        fields = (
            "id", "name", "prefix", "user", "allows_everything", "names", "expires_at",
            "is_enabled", "last_used_at", "created_at", "updated_at",
        )  # fmt: skip
        read_only_fields = ("prefix", "last_used_at")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The rules of llmconfig.gateway.keys; raises ChangeRefused naming the field."""
        stored = self.instance or GatewayKey()
        names = tuple(attrs.get("names", stored.names))
        everything = attrs.get("allows_everything", stored.allows_everything)
        check_scope(Scope(everything=everything, names=names))
        return cast("dict[str, Any]", super().validate(attrs))


class MadeKeySerializer(GatewayKeySerializer):
    """A new key's row, and the key."""

    key = serializers.CharField(help_text="Copy it now: no later answer has it.")

    class Meta(GatewayKeySerializer.Meta):
        fields = (*GatewayKeySerializer.Meta.fields, "key")  # type: ignore[assignment]  # longer


class GatewayKeyList(ConfigurationList):
    """Who calls `/v1`, and what they may call there."""

    queryset = GatewayKey.objects.select_related("user").order_by("name")
    serializer_class = GatewayKeySerializer
    filterset_fields = ("is_enabled", "allows_everything", f"user__{username_field()}")
    ordering_fields = ("name", "created_at", "expires_at", "last_used_at")

    @extend_schema(request=GatewayKeySerializer, responses={201: MadeKeySerializer})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Make a key, and give it this one time."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        row = GatewayKey(**serializer.validated_data)
        check_expiry(row.expires_at)
        key = give_key(row)
        with self.change(f"Made the key {row.name}."):
            row.save()
        body = {**self.get_serializer(row).data, "key": key.reveal()}
        return Response(body, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})


class RotationSerializer(StrictSerializer):
    """How long the key before goes on opening."""

    overlap_hours = serializers.IntegerField(
        default=24, min_value=0, max_value=MAX_OVERLAP.days * 24, help_text="0: not at all."
    )


class GatewayKeyRotation(Endpoint):
    """Gives a row another key."""

    @extend_schema(request=RotationSerializer, responses=MadeKeySerializer)
    def post(self, request: Request, id: UUID) -> Response:  # noqa: A002 - the address's name
        """Make the new key, and give it this one time."""
        body = RotationSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        overlap = timedelta(hours=body.validated_data["overlap_hours"])
        with self.change("Rotated an API key."):
            row = GatewayKey.objects.select_for_update().filter(pk=id).first()
            if row is None:
                raise NotFound(gettext("There is no API key {id!r}.").format(id=str(id)))
            key = rotate(row, overlap=overlap)
        shown = {**GatewayKeySerializer(row).data, "key": key.reveal()}
        return Response(shown, headers={"Cache-Control": "no-store"})


class GatewayKeyRow(ConfigurationRow):
    """One key. Disabled or removed, it is refused within two seconds."""

    queryset = GatewayKey.objects.select_related("user")
    serializer_class = GatewayKeySerializer
    lookup_field = "id"

"""Keys for `/v1`: made here, given once, kept as a hash."""

from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from llmconfig.api.kit.bodies import StrictModelSerializer, UserField
from llmconfig.api.kit.endpoints import ConfigurationList, ConfigurationRow
from llmconfig.gateway.keys import Scope, check_scope, give_key
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
        key = give_key(row)
        with self.change(f"Made the key {row.name}."):
            row.save()
        body = {**self.get_serializer(row).data, "key": key.reveal()}
        return Response(body, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})


class GatewayKeyRow(ConfigurationRow):
    """One key. Disabled or removed, it is refused within two seconds."""

    queryset = GatewayKey.objects.select_related("user")
    serializer_class = GatewayKeySerializer
    lookup_field = "id"

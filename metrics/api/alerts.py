"""Alert rules without their secrets, and the messages that they sent."""

from typing import Any

from rest_framework import generics, serializers

from llmconfig.api.kit.endpoints import Rows
from llmconfig.roles import Role
from metrics.models import AlertDelivery, AlertRule


class AlertRuleSerializer(serializers.ModelSerializer[AlertRule]):
    """One rule: its event, its filter and whom it tells how."""

    class Meta:
        model = AlertRule
        fields = (
            "id", "name", "event", "subject", "channel", "recipients", "webhook_url",
            "window_minutes", "is_enabled",
        )  # fmt: skip


class AlertDeliverySerializer(serializers.ModelSerializer[AlertDelivery]):
    """One message, how often it was tried and why the last attempt failed."""

    rule = serializers.CharField(source="rule.name")

    class Meta:
        model = AlertDelivery
        fields = (
            "id", "rule", "event", "subject", "level", "title", "text", "is_test", "status",
            "attempts", "error", "created_at", "sent_at",
        )  # fmt: skip


class AlertRuleList(Rows, generics.ListAPIView[Any]):
    """Lists the alert rules by name."""

    queryset = AlertRule.objects.all()
    serializer_class = AlertRuleSerializer
    ordering_fields = ("name",)
    write_role = Role.ADMINISTRATOR


class AlertDeliveryList(Rows, generics.ListAPIView[Any]):
    """Lists the messages of all rules, the newest first."""

    queryset = AlertDelivery.objects.select_related("rule")
    serializer_class = AlertDeliverySerializer
    filterset_fields = ("status", "event", "is_test")
    ordering_fields = ("created_at",)
    write_role = Role.ADMINISTRATOR

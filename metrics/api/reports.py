"""The weekly reports."""

from typing import Any

from rest_framework import generics, serializers

from llmconfig.api.kit.endpoints import Rows
from llmconfig.roles import Role
from metrics.models import WeeklyReport


class ReportSerializer(serializers.ModelSerializer[WeeklyReport]):
    """One week: its figures, and the text that says nothing else."""

    class Meta:
        model = WeeklyReport
        fields = ("week_start", "text", "figures", "written_by", "remark", "created_at", "sent_at")


class ReportList(Rows, generics.ListAPIView[Any]):
    """Lists the weekly reports, the newest first."""

    queryset = WeeklyReport.objects.all()
    serializer_class = ReportSerializer
    ordering_fields = ("week_start",)
    write_role = Role.ADMINISTRATOR

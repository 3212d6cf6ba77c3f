"""Back to an earlier state of the configuration."""

from typing import Any

from django.utils.translation import gettext
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from llmconfig.api.kit.bodies import MAX_KEY, StrictSerializer
from llmconfig.api.kit.documentation import extend_schema
from llmconfig.api.kit.endpoints import Endpoint
from llmconfig.configuration.rollback import preview, roll_back
from llmconfig.models import Revision


class RollBackSerializer(StrictSerializer):
    """What to do, and what the caller has seen."""

    dry_run = serializers.BooleanField(default=False, help_text="Only show what would change.")
    seen = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=MAX_KEY,
        help_text="The newest revision that you know of; refused if the state has moved on.",
    )


class RowChangeSerializer(serializers.Serializer[Any]):
    """One row before and after; null where there is none. Keys are in neither."""

    table_name = serializers.CharField()
    row_key = serializers.CharField()
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


class RolledBackSerializer(serializers.Serializer[Any]):
    """What a rollback changed, or would change."""

    to = serializers.IntegerField()
    revision = serializers.IntegerField(
        allow_null=True, help_text="The new revision; null for a dry run or if nothing differed."
    )
    changes = RowChangeSerializer(many=True)
    notes = serializers.ListField(
        child=serializers.CharField(), help_text="What you should do now, such as enter a key."
    )


class RollBack(Endpoint):
    """Makes the configuration what it was at a revision, as a new revision."""

    @extend_schema(request=RollBackSerializer, responses=RolledBackSerializer)
    def post(self, request: Request, number: int) -> Response:
        """Go back, or show what that would change."""
        if number > MAX_KEY or not Revision.objects.filter(pk=number).exists():
            raise NotFound(gettext("There is no revision {number}.").format(number=number))
        body = RollBackSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        if body.validated_data["dry_run"]:
            done = preview(number)
        else:
            done = roll_back(
                number, source="api", user=self.caller, seen=body.validated_data.get("seen")
            )
        return Response(RolledBackSerializer(done).data)

"""The row of processing settings, and the process settings that the environment may overrule."""

from typing import Any, cast

from django.db import transaction
from django.utils.translation import gettext
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from llmconfig import project_settings
from llmconfig.api.kit.bodies import ListedModelsSerializer, NamedRowField
from llmconfig.api.kit.documentation import extend_schema
from llmconfig.api.kit.endpoints import Versioned
from llmconfig.api.kit.versions import etag
from llmconfig.configuration import snapshot
from llmconfig.configuration.process_settings import above_their_most, definitions
from llmconfig.models import LLMConfig, Provider
from llmconfig.models.processing import SINGLE_ROW_ID, backup_misfit


def overruled() -> dict[str, str]:
    """Columns of the row that the environment overrules, with the variable that does."""
    return {
        each.column: each.variable
        for each in definitions()
        if each.column and each.variable in project_settings.process_values()
    }


class ProcessSettingSerializer(serializers.Serializer[Any]):
    """One process setting as it is in force."""

    variable = serializers.CharField()
    value = serializers.JSONField()
    origin = serializers.ChoiceField(["environment", "settings", "default"])
    help = serializers.CharField()


class SettingsSerializer(ListedModelsSerializer[LLMConfig]):
    """The processing settings, and what the environment makes of them."""

    provider = NamedRowField(slug_field="name", queryset=Provider.objects.all())
    backup_provider = NamedRowField(
        slug_field="name", queryset=Provider.objects.all(), allow_null=True, required=False
    )
    overridden_by_environment = serializers.SerializerMethodField(
        help_text="Fields that the environment sets, with the variable that does."
    )
    process_settings = serializers.SerializerMethodField()

    class Meta:
        model = LLMConfig
        fields = (
            "enabled", "provider", "model_tagger", "model_enricher", "model_analytics",
            "model_responder", "auto_tagging", "auto_enrichment", "external_enrichment",
            "max_retries", "retry_delay", "backup_provider", "backup_model", "batch_size",
            "concurrent_tasks", "cache_responses", "min_confidence_tagging",
            "min_confidence_entity", "allow_unlisted_models", "updated_at",
            "overridden_by_environment", "process_settings",
        )  # fmt: skip

    def get_overridden_by_environment(self, row: LLMConfig) -> dict[str, str]:
        return overruled()

    @extend_schema(responses=None)
    def get_process_settings(self, row: LLMConfig) -> list[dict[str, Any]]:
        """All of them, with where each value comes from."""
        state = snapshot.current()
        found = [
            {
                "variable": each.variable,
                "value": state.setting(each.variable),
                "origin": (
                    "environment"
                    if each.variable in project_settings.process_values()
                    else "settings"
                    if each.column
                    else "default"
                ),
                "help": each.help,
            }
            for each in definitions()
        ]
        return cast("list[dict[str, Any]]", ProcessSettingSerializer(found, many=True).data)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A value that would have no effect is refused, and a backup is whole."""
        for name, variable in overruled().items():
            if name in attrs:
                raise serializers.ValidationError(
                    {
                        name: gettext(
                            "{variable} sets this in the environment; change it there."
                        ).format(variable=variable)
                    }
                )
        if too_much := above_their_most(attrs):
            raise serializers.ValidationError(too_much)
        row = self.instance
        misfit = backup_misfit(
            attrs.get("backup_provider", row and row.backup_provider_id),
            attrs.get("backup_model", row and row.backup_model),
        )
        if misfit and {"backup_provider", "backup_model"} & attrs.keys():
            raise serializers.ValidationError(misfit)
        return cast("dict[str, Any]", super().validate(attrs))


class Settings(Versioned):
    """The processing settings; there is exactly one row."""

    @extend_schema(responses=SettingsSerializer)
    def get(self, request: Request) -> Response:
        """Show them, with a version that is never newer than what is shown."""
        version = etag(self.traces(self.row()))
        return Response(SettingsSerializer(self.row()).data, headers={"ETag": version})

    @extend_schema(request=SettingsSerializer, responses=SettingsSerializer)
    def patch(self, request: Request) -> Response:
        with transaction.atomic():
            row = self.row(lock=True)
            self.check_match(row)
            serializer = SettingsSerializer(row, data=request.data, partial=True)
            serializer.is_valid(raise_exception=True)
            with self.change("Changed the processing settings."):
                serializer.save()
            version = etag(self.traces(row))
        return Response(serializer.data, headers={"ETag": version})

    def row(self, *, lock: bool = False) -> LLMConfig:
        """The row; raises NotFound where it was never seeded."""
        rows = LLMConfig.objects.select_related("provider", "backup_provider")
        if lock:
            rows = LLMConfig.objects.select_for_update()
        found = rows.filter(pk=SINGLE_ROW_ID).first()
        if found is None:
            raise NotFound(
                gettext("There are no processing settings yet: run `manage.py seed_llm_config`.")
            )
        return found

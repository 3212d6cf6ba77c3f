"""metrics: what calls cost and how good they were."""

from django.apps import AppConfig
from django.db.models.signals import pre_save
from django.utils.translation import gettext_lazy as _


class MetricsConfig(AppConfig):
    """Stands on llmconfig; enrichment stands on it."""

    name = "metrics"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = _("LLM metrics")

    def ready(self) -> None:
        """Receive every call's record; register the system checks and the kinds of alerts."""
        from llmconfig.client.recording import recorders  # noqa: PLC0415 - after the registry is ready
        from llmconfig.configuration import (  # noqa: PLC0415
            cost_of_changes,
            process_settings,
            rotation,
        )
        from metrics import checks  # noqa: F401, PLC0415 - registers on import
        from metrics.alerts import configured, events  # noqa: PLC0415
        from metrics.models import AlertRule  # noqa: PLC0415
        from metrics.process_settings import DEFINITIONS  # noqa: PLC0415
        from metrics.recording import keeps_texts, record_call, record_calls  # noqa: PLC0415
        from metrics.reports.cost_of_changes import cost_of_change  # noqa: PLC0415

        cost_of_changes.register_cost_estimator(cost_of_change)
        process_settings.register(*DEFINITIONS)
        events.register(*configured.KINDS)
        pre_save.connect(events.refuse_unknown, AlertRule, dispatch_uid="alert-rules-known-events")
        rotation.register(rotation.StoredSecrets(AlertRule, "secret"))
        recorders.register(record_call, many=record_calls, keeps_texts=keeps_texts)

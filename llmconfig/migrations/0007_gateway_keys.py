"""Keys of the compatible endpoint. Their hash is no part of history, nor is when they were used."""

import uuid
from importlib import import_module

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from llmconfig.migrations._history import record_history_of

before = import_module("llmconfig.migrations.0005_key_rotation_is_no_revision")
BEFORE = before.BODY % before.ONLY_HIDDEN
AFTER = BEFORE.replace("'synced_values']", "'synced_values', 'last_used_at']").replace(
    "ARRAY['api_key']", "ARRAY['api_key', 'key_hash']"
)


class Migration(migrations.Migration):
    dependencies = [
        ("llmconfig", "0006_model_retirement"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="GatewayKey",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        help_text="Who or what uses it, such as “website, production”.",
                        max_length=100,
                        unique=True,
                    ),
                ),
                ("prefix", models.CharField(editable=False, max_length=12)),
                ("key_hash", models.CharField(editable=False, max_length=64, unique=True)),
                (
                    "allows_everything",
                    models.BooleanField(
                        default=False,
                        help_text="May call every node, every interaction type and any model directly.",
                    ),
                ),
                (
                    "names",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200),
                        blank=True,
                        default=list,
                        help_text="Otherwise: the nodes and interaction types that it may call, separated by commas.",
                        size=None,
                    ),
                ),
                (
                    "expires_at",
                    models.DateTimeField(
                        blank=True, help_text="From then on it is refused. Blank: never.", null=True
                    ),
                ),
                (
                    "is_enabled",
                    models.BooleanField(
                        default=True,
                        help_text="Off: calls with it are refused, in at most two seconds.",
                    ),
                ),
                ("last_used_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        help_text="Whose own model choices apply to its calls. The key stops with this account.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="llm_gateway_keys",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "gateway key",
                "db_table": "llm_gateway_keys",
                "ordering": ["name"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("allows_everything", True), ("names", [])),
                            models.Q(
                                ("allows_everything", False), models.Q(("names", []), _negated=True)
                            ),
                            _connector="OR",
                        ),
                        name="llm_gateway_keys_one_scope",
                        violation_error_message="Name what it may call, or allow everything; not both.",
                    )
                ],
            },
        ),
        migrations.RunSQL(AFTER, BEFORE),
        record_history_of("llm_gateway_keys"),
    ]

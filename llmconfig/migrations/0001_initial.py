"""The tables of the configuration, their history and the view of the tiers."""

import uuid

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import llmconfig.models.assignments
import llmconfig.provider_types
from llmconfig.migrations._sql import InstallSQL


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        # Names of our permissions are longer than those that its first one allows.
        ("auth", "0002_alter_permission_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="ContextWindow",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("tier", models.CharField(max_length=50)),
                ("model_name", models.CharField(max_length=200)),
                ("max_tokens", models.PositiveIntegerField(null=True)),
                (
                    "cost_per_1m_input_usd",
                    models.DecimalField(decimal_places=6, max_digits=12, null=True),
                ),
                (
                    "cost_per_1m_output_usd",
                    models.DecimalField(decimal_places=6, max_digits=12, null=True),
                ),
                ("supports_streaming", models.BooleanField()),
                ("is_active", models.BooleanField()),
                ("updated_at", models.DateTimeField()),
            ],
            options={
                "db_table": "llm_context_windows",
                "ordering": ["tier"],
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="NodeConfiguration",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "node_name",
                    models.CharField(
                        help_text="The name that the application calls it by.",
                        max_length=100,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-zA-Z][a-zA-Z0-9_.-]{0,99}$",
                                "Start with a letter; then letters, digits, _, . and -, at most 100 in all.",
                            )
                        ],
                    ),
                ),
                (
                    "interaction_type",
                    models.CharField(
                        choices=[
                            ("reasoning", "Reasoning"),
                            ("tools", "Tool calls"),
                            ("subagents", "Sub-agents"),
                            ("planning", "Planning"),
                            ("embeddings", "Embeddings"),
                            ("tagger", "Tagger"),
                            ("enricher", "Enricher"),
                            ("analytics", "Analytics"),
                            ("responder", "Responder"),
                        ],
                        default="reasoning",
                        help_text="What this node leaves blank comes from here.",
                        max_length=20,
                    ),
                ),
                (
                    "provider",
                    models.CharField(
                        blank=True,
                        help_text="Name of the provider asked for the model. Blank: found by the model.",
                        max_length=50,
                    ),
                ),
                (
                    "default_model",
                    models.CharField(
                        blank=True,
                        help_text="<code>provider/model</code>, a bare model id, or <code>tier:cloud_fast</code>. Blank: inherited.",
                        max_length=200,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A(?!/)\\S*(?<![/:])\\Z",
                                "Write provider/model, a model id or tier:name, whole and without spaces.",
                            )
                        ],
                    ),
                ),
                (
                    "default_temperature",
                    models.FloatField(
                        blank=True,
                        help_text="0 is the most predictable. Blank: from the interaction type.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(0.0),
                            django.core.validators.MaxValueValidator(2.0),
                        ],
                    ),
                ),
                (
                    "default_max_tokens",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Longest answer in tokens. Blank: from the interaction type.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "langsmith_tracing",
                    models.BooleanField(
                        default=False, help_text="Send a trace of each call to the tracing service."
                    ),
                ),
                ("description", models.TextField(blank=True, help_text="What this node is for.")),
                (
                    "azure_model",
                    models.CharField(
                        blank=True,
                        help_text="Model on Azure targets. Blank: the model above.",
                        max_length=200,
                    ),
                ),
                (
                    "azure_temperature",
                    models.FloatField(
                        blank=True,
                        help_text="Temperature on Azure targets. Blank: the temperature above.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(0.0),
                            django.core.validators.MaxValueValidator(2.0),
                        ],
                    ),
                ),
                (
                    "azure_max_tokens",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Longest answer on Azure targets. Blank: the limit above.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "fallbacks",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200),
                        blank=True,
                        default=list,
                        help_text="Model references tried in this order when the first target fails, separated by commas.",
                        size=None,
                        validators=[llmconfig.models.assignments.refuse_cut_references],
                    ),
                ),
                (
                    "allow_unlisted_models",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="Models named here exist although no enabled provider lists them.",
                        verbose_name="models exist all the same",
                    ),
                ),
                ("synced_values", models.JSONField(blank=True, default=dict, editable=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "verbose_name": "node",
                "db_table": "llm_node_configuration",
                "ordering": ["node_name"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("default_temperature__isnull", True),
                                models.Q(
                                    ("default_temperature__gte", 0), ("default_temperature__lte", 2)
                                ),
                                _connector="OR",
                            ),
                            models.Q(
                                ("azure_temperature__isnull", True),
                                models.Q(
                                    ("azure_temperature__gte", 0), ("azure_temperature__lte", 2)
                                ),
                                _connector="OR",
                            ),
                        ),
                        name="llm_node_configuration_temperature_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("default_max_tokens__isnull", True),
                                ("default_max_tokens__gte", 1),
                                _connector="OR",
                            ),
                            models.Q(
                                ("azure_max_tokens__isnull", True),
                                ("azure_max_tokens__gte", 1),
                                _connector="OR",
                            ),
                        ),
                        name="llm_node_configuration_max_tokens_positive",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Experiment",
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
                        help_text="Each call's record carries it.",
                        max_length=100,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,99}$",
                                "Use letters, digits, _, . and -, at most 100, starting with a letter or digit.",
                            )
                        ],
                    ),
                ),
                (
                    "description",
                    models.TextField(blank=True, help_text="What you want to find out."),
                ),
                (
                    "mode",
                    models.CharField(
                        choices=[
                            ("split", "Split: the key's arm answers"),
                            (
                                "shadow",
                                "Shadow: the control answers, the key's arm is asked beside it",
                            ),
                        ],
                        default="split",
                        help_text="A shadow's answers are paid and recorded, and never used.",
                        max_length=10,
                    ),
                ),
                (
                    "fewest_calls",
                    models.PositiveIntegerField(
                        default=100,
                        help_text="Calls that an arm needs before it is judged.",
                        validators=[django.core.validators.MinValueValidator(30)],
                    ),
                ),
                (
                    "most_quality_loss",
                    models.FloatField(
                        blank=True,
                        default=0.05,
                        help_text="How much below the control the shares of successes and of accepted answers and the quality score may be: 0.05 is five in a hundred. Blank: no gate.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(0.0),
                            django.core.validators.MaxValueValidator(1.0),
                        ],
                    ),
                ),
                (
                    "most_cost_increase",
                    models.FloatField(
                        blank=True,
                        default=0.25,
                        help_text="How much dearer than the control a call may be: 0.25 is a quarter. Blank: no gate.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(0.0),
                            django.core.validators.MaxValueValidator(10.0),
                        ],
                    ),
                ),
                (
                    "most_latency_increase",
                    models.FloatField(
                        blank=True,
                        default=0.25,
                        help_text="How much slower than the control a call may be: 0.25 is a quarter. Blank: no gate.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(0.0),
                            django.core.validators.MaxValueValidator(10.0),
                        ],
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("running", "Running"),
                            ("stopped", "Stopped"),
                        ],
                        default="draft",
                        editable=False,
                        max_length=10,
                    ),
                ),
                (
                    "promoted_arm",
                    models.CharField(
                        blank=True,
                        editable=False,
                        help_text="The arm whose values the node took over.",
                        max_length=100,
                    ),
                ),
                ("started_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("stopped_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "node",
                    models.ForeignKey(
                        help_text="The node whose calls are divided among the arms.",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="experiments",
                        to="llmconfig.nodeconfiguration",
                    ),
                ),
            ],
            options={
                "db_table": "llm_experiments",
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "running")),
                        fields=("node",),
                        name="llm_experiments_one_running_per_node",
                        violation_error_message="Another experiment is running on this node; stop it.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["draft", "running", "stopped"])),
                        name="llm_experiments_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("mode__in", ["split", "shadow"])),
                        name="llm_experiments_mode_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("fewest_calls__gte", 30)),
                        name="llm_experiments_fewest_calls_enough",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("most_quality_loss__isnull", True),
                                models.Q(
                                    ("most_quality_loss__gte", 0), ("most_quality_loss__lte", 1)
                                ),
                                _connector="OR",
                            ),
                            models.Q(
                                ("most_cost_increase__isnull", True),
                                models.Q(
                                    ("most_cost_increase__gte", 0), ("most_cost_increase__lte", 10)
                                ),
                                _connector="OR",
                            ),
                            models.Q(
                                ("most_latency_increase__isnull", True),
                                models.Q(
                                    ("most_latency_increase__gte", 0),
                                    ("most_latency_increase__lte", 10),
                                ),
                                _connector="OR",
                            ),
                        ),
                        name="llm_experiments_margins_in_range",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Budget",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        help_text="How refusals and lists call it.", max_length=100, unique=True
                    ),
                ),
                (
                    "scope",
                    models.CharField(
                        choices=[
                            ("everything", "Everything"),
                            ("provider", "A provider"),
                            ("node", "A node"),
                            ("organization", "An organization"),
                            ("batch", "A batch or conversation"),
                            ("account", "A caller's account, such as an API key"),
                        ],
                        default="everything",
                        help_text="Which calls count.",
                        max_length=20,
                    ),
                ),
                (
                    "scope_value",
                    models.CharField(
                        blank=True,
                        help_text="The provider's or node's name, the organization's id, the batch's id or the account. Blank for everything.",
                        max_length=100,
                    ),
                ),
                (
                    "period",
                    models.CharField(
                        choices=[("day", "Each day"), ("month", "Each month"), ("total", "Never")],
                        default="month",
                        help_text="When the count starts anew (UTC).",
                        max_length=10,
                    ),
                ),
                (
                    "soft_limit_usd",
                    models.DecimalField(
                        blank=True,
                        decimal_places=6,
                        help_text="From here on calls take their interaction type's cheaper model. Blank: never.",
                        max_digits=14,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "hard_limit_usd",
                    models.DecimalField(
                        blank=True,
                        decimal_places=6,
                        help_text="Calls that could go beyond this are refused. Blank: never.",
                        max_digits=14,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "allow_unpriced",
                    models.BooleanField(
                        default=False,
                        help_text="Let models without a known price be called under the hard limit, uncounted.",
                    ),
                ),
                (
                    "is_enabled",
                    models.BooleanField(
                        default=True, help_text="Off: the budget neither counts nor refuses."
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "db_table": "llm_budgets",
                "ordering": ["name"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("scope", "everything"), ("scope_value", "")),
                            models.Q(
                                models.Q(("scope", "everything"), _negated=True),
                                models.Q(("scope_value", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="llm_budgets_scope_value",
                        violation_error_message="Say which one it is for; for everything leave it blank.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("soft_limit_usd__isnull", False),
                            ("hard_limit_usd__isnull", False),
                            _connector="OR",
                        ),
                        name="llm_budgets_some_limit",
                        violation_error_message="Give a soft or a hard limit.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("soft_limit_usd__isnull", True),
                                ("soft_limit_usd__gte", 0),
                                _connector="OR",
                            ),
                            models.Q(
                                ("hard_limit_usd__isnull", True),
                                ("hard_limit_usd__gte", 0),
                                _connector="OR",
                            ),
                            models.Q(
                                ("soft_limit_usd__isnull", True),
                                ("hard_limit_usd__isnull", True),
                                ("soft_limit_usd__lte", models.F("hard_limit_usd")),
                                _connector="OR",
                            ),
                        ),
                        name="llm_budgets_limits_in_order",
                        violation_error_message="The soft limit is not above the hard one, and neither is negative.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BudgetSpending",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("period_start", models.DateField()),
                ("spent_usd", models.DecimalField(decimal_places=10, default=0, max_digits=20)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "budget",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="spending",
                        to="llmconfig.budget",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "budget spending",
                "db_table": "llm_budget_ledger",
                "ordering": ["-period_start", "budget"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("budget", "period_start"), name="llm_budget_ledger_unique"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("spent_usd__gte", 0)),
                        name="llm_budget_ledger_not_negative",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BudgetHold",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("holder", models.UUIDField()),
                ("held_usd", models.DecimalField(decimal_places=10, max_digits=20)),
                ("expires_at", models.DateTimeField()),
                (
                    "spending",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="holds",
                        to="llmconfig.budgetspending",
                    ),
                ),
            ],
            options={
                "db_table": "llm_budget_holds",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("spending", "holder"), name="llm_budget_holds_unique"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("held_usd__gte", 0)),
                        name="llm_budget_holds_not_negative",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ConfigVersion",
            fields=[
                (
                    "id",
                    models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False),
                ),
                ("revision", models.BigIntegerField(default=0)),
                ("token", models.UUIDField()),
            ],
            options={
                "db_table": "llm_config_version",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="llm_config_version_single_row"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ExperimentArm",
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
                        help_text="Each call's record carries it. An arm that overrides nothing is the control.",
                        max_length=100,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,99}$",
                                "Use letters, digits, _, . and -, at most 100, starting with a letter or digit.",
                            )
                        ],
                    ),
                ),
                (
                    "weight",
                    models.PositiveSmallIntegerField(
                        default=1,
                        help_text="Share of the keys among the arms. Changing it moves only the keys it must.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(10000),
                        ],
                    ),
                ),
                (
                    "model",
                    models.CharField(
                        blank=True,
                        help_text="<code>provider/model</code>, a bare model id, or <code>tier:cloud_fast</code>. Blank: inherited.",
                        max_length=200,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A(?!/)\\S*(?<![/:])\\Z",
                                "Write provider/model, a model id or tier:name, whole and without spaces.",
                            )
                        ],
                    ),
                ),
                (
                    "provider",
                    models.CharField(
                        blank=True,
                        help_text="Name of the provider asked for the model. Blank: found by the model.",
                        max_length=50,
                    ),
                ),
                (
                    "temperature",
                    models.FloatField(
                        blank=True,
                        help_text="Blank: not overridden.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(0.0),
                            django.core.validators.MaxValueValidator(2.0),
                        ],
                    ),
                ),
                (
                    "max_tokens",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Blank: not overridden.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "allow_unlisted_models",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="Models named here exist although no enabled provider lists them.",
                        verbose_name="models exist all the same",
                    ),
                ),
                (
                    "experiment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="arms",
                        to="llmconfig.experiment",
                    ),
                ),
            ],
            options={
                "verbose_name": "arm",
                "db_table": "llm_experiment_arms",
                "ordering": ["experiment", "name"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("experiment", "name"), name="llm_experiment_arms_unique"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("weight__gte", 1), ("weight__lte", 10000)),
                        name="llm_experiment_arms_weight_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("temperature__isnull", True),
                            models.Q(("temperature__gte", 0), ("temperature__lte", 2)),
                            _connector="OR",
                        ),
                        name="llm_experiment_arms_temperature_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("max_tokens__isnull", True), ("max_tokens__gte", 1), _connector="OR"
                        ),
                        name="llm_experiment_arms_max_tokens_positive",
                    ),
                ],
            },
        ),
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
        migrations.CreateModel(
            name="GlobalConfig",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "interaction_type",
                    models.CharField(
                        choices=[
                            ("reasoning", "Reasoning"),
                            ("tools", "Tool calls"),
                            ("subagents", "Sub-agents"),
                            ("planning", "Planning"),
                            ("embeddings", "Embeddings"),
                            ("tagger", "Tagger"),
                            ("enricher", "Enricher"),
                            ("analytics", "Analytics"),
                            ("responder", "Responder"),
                        ],
                        help_text="The kind of use that these defaults are for.",
                        max_length=20,
                        unique=True,
                    ),
                ),
                (
                    "model",
                    models.CharField(
                        blank=True,
                        help_text="<code>provider/model</code>, a bare model id, or <code>tier:cloud_fast</code>. Blank: inherited.",
                        max_length=200,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A(?!/)\\S*(?<![/:])\\Z",
                                "Write provider/model, a model id or tier:name, whole and without spaces.",
                            )
                        ],
                    ),
                ),
                (
                    "temperature",
                    models.FloatField(
                        blank=True,
                        help_text="0 is the most predictable. Blank: inherited.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(0.0),
                            django.core.validators.MaxValueValidator(2.0),
                        ],
                    ),
                ),
                (
                    "max_tokens",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Longest answer in tokens. Blank: inherited.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "fallbacks",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200),
                        blank=True,
                        default=list,
                        help_text="Model references tried in this order when the first target fails, separated by commas.",
                        size=None,
                        validators=[llmconfig.models.assignments.refuse_cut_references],
                    ),
                ),
                (
                    "degrade_to",
                    models.CharField(
                        blank=True,
                        help_text="Cheaper model reference, taken when a budget is over its soft limit or a call would wait too long for its provider's limits. Blank: none.",
                        max_length=200,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A(?!/)\\S*(?<![/:])\\Z",
                                "Write provider/model, a model id or tier:name, whole and without spaces.",
                            )
                        ],
                    ),
                ),
                (
                    "degrade_after_seconds",
                    models.FloatField(
                        blank=True,
                        help_text="Longest wait for a provider's limits before the cheaper model is taken. Blank: as long as the call may last.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0.0)],
                    ),
                ),
                (
                    "allow_unlisted_models",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="Models named here exist although no enabled provider lists them.",
                        verbose_name="models exist all the same",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "verbose_name": "interaction type",
                "db_table": "llm_global_config",
                "ordering": ["interaction_type"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("temperature__isnull", True),
                            models.Q(("temperature__gte", 0), ("temperature__lte", 2)),
                            _connector="OR",
                        ),
                        name="llm_global_config_temperature_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("max_tokens__isnull", True), ("max_tokens__gte", 1), _connector="OR"
                        ),
                        name="llm_global_config_max_tokens_positive",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("degrade_after_seconds__isnull", True),
                            ("degrade_after_seconds__gte", 0),
                            _connector="OR",
                        ),
                        name="llm_global_config_degrade_after_not_negative",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Provider",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "name",
                    models.SlugField(
                        help_text="Short name used in model references, as in <code>openai/gpt-4o</code>.",
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z0-9][a-z0-9_-]{0,49}$",
                                "Use lower-case letters, digits, - and _, at most 50, starting with a letter or digit.",
                            )
                        ],
                    ),
                ),
                (
                    "provider_type",
                    models.CharField(
                        choices=llmconfig.provider_types.choices,
                        help_text="How this server is spoken to. vLLM, TGI and LocalAI are Custom.",
                        max_length=20,
                    ),
                ),
                (
                    "api_base_url",
                    models.URLField(
                        blank=True,
                        help_text="Address of the API. Blank: the vendor's own. Changing scheme, host or port asks for the key again.",
                        max_length=255,
                    ),
                ),
                ("api_key", models.TextField(blank=True, editable=False)),
                ("key_last4", models.CharField(blank=True, editable=False, max_length=4)),
                ("key_fingerprint", models.CharField(blank=True, editable=False, max_length=16)),
                (
                    "secret_ref",
                    models.CharField(
                        blank=True,
                        help_text="Where the key is kept if not here: <code>env:OPENAI_API_KEY</code> or <code>file:/run/secrets/openai</code>.",
                        max_length=255,
                    ),
                ),
                (
                    "api_version",
                    models.CharField(
                        blank=True,
                        help_text="Azure: the api-version of the deployment. Anthropic: the anthropic-version header. Blank: the default.",
                        max_length=40,
                    ),
                ),
                (
                    "timeout_seconds",
                    models.FloatField(
                        default=600.0,
                        help_text="Longest time for one request, in seconds.",
                        validators=[
                            django.core.validators.MinValueValidator(0.1),
                            django.core.validators.MaxValueValidator(3600),
                        ],
                    ),
                ),
                (
                    "priority",
                    models.PositiveSmallIntegerField(
                        default=100,
                        help_text="Which provider is asked first when several list the same model; 1 comes first.",
                    ),
                ),
                (
                    "weight",
                    models.PositiveSmallIntegerField(
                        default=1,
                        help_text="Share of the calls among providers of equal priority.",
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "requests_per_minute",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Most requests in any 60 seconds, of all processes together. Blank: no limit.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "tokens_per_minute",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Most tokens, prompts and answers, in any 60 seconds, of all processes together. Blank: no limit.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "max_concurrency",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Most requests under way at a time, of all processes together. Blank: as many as the provider bears.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "is_enabled",
                    models.BooleanField(
                        default=True,
                        help_text="Off: no call goes to this provider, and its targets are skipped.",
                    ),
                ),
                ("validated_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("validation_error", models.TextField(blank=True, editable=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "db_table": "llm_providers",
                "ordering": ["priority", "name"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("api_key", ""), ("secret_ref", ""), _connector="OR"),
                        name="llm_providers_one_key_source",
                        violation_error_message="Give a key or a secret reference, not both.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("timeout_seconds__gt", 0)),
                        name="llm_providers_timeout_positive",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("weight__gte", 1)), name="llm_providers_weight_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("requests_per_minute__isnull", True),
                                ("requests_per_minute__gte", 1),
                                _connector="OR",
                            ),
                            models.Q(
                                ("tokens_per_minute__isnull", True),
                                ("tokens_per_minute__gte", 1),
                                _connector="OR",
                            ),
                            models.Q(
                                ("max_concurrency__isnull", True),
                                ("max_concurrency__gte", 1),
                                _connector="OR",
                            ),
                        ),
                        name="llm_providers_limits_positive",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LLMConfig",
            fields=[
                (
                    "id",
                    models.PositiveSmallIntegerField(
                        db_default=1, default=1, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "model_tagger",
                    models.CharField(
                        blank=True,
                        db_default="phi3",
                        default="phi3",
                        help_text="Model for tagging, unless set elsewhere. Blank: LLM_DEFAULT_MODEL.",
                        max_length=100,
                    ),
                ),
                (
                    "model_enricher",
                    models.CharField(
                        blank=True,
                        db_default="llama3",
                        default="llama3",
                        help_text="Model for enrichment, unless set elsewhere. Blank: LLM_DEFAULT_MODEL.",
                        max_length=100,
                    ),
                ),
                (
                    "model_analytics",
                    models.CharField(
                        blank=True,
                        db_default="llama3",
                        default="llama3",
                        help_text="Model for analytics, unless set elsewhere. Blank: LLM_DEFAULT_MODEL.",
                        max_length=100,
                    ),
                ),
                (
                    "model_responder",
                    models.CharField(
                        blank=True,
                        help_text="Model for answers to people. Blank: the enricher's.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "enabled",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="Master switch. Off: every call is refused with a clear error.",
                    ),
                ),
                (
                    "auto_tagging",
                    models.BooleanField(
                        db_default=True,
                        default=True,
                        help_text="Tag new and changed rows by themselves.",
                    ),
                ),
                (
                    "auto_enrichment",
                    models.BooleanField(
                        db_default=True,
                        default=True,
                        help_text="Enrich new and changed rows by themselves.",
                    ),
                ),
                (
                    "external_enrichment",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="Let prompts use facts from configured HTTP sources.",
                    ),
                ),
                (
                    "max_retries",
                    models.PositiveSmallIntegerField(
                        db_default=3,
                        default=3,
                        help_text="Later rounds for a batch's rows that failed.",
                    ),
                ),
                (
                    "retry_delay",
                    models.PositiveIntegerField(
                        db_default=300, default=300, help_text="Seconds until such a later round."
                    ),
                ),
                (
                    "backup_model",
                    models.CharField(
                        blank=True,
                        help_text="The model asked for there.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "batch_size",
                    models.PositiveSmallIntegerField(
                        db_default=5,
                        default=5,
                        help_text="Finished rows that start a write to the database.",
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "concurrent_tasks",
                    models.PositiveSmallIntegerField(
                        db_default=2,
                        default=2,
                        help_text="Worker tasks that work on one batch at a time.",
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "cache_responses",
                    models.BooleanField(
                        db_default=True,
                        default=True,
                        help_text="Answer identical requests from the response cache.",
                    ),
                ),
                (
                    "min_confidence_tagging",
                    models.FloatField(
                        db_default=0.7,
                        default=0.7,
                        help_text="Tags below this are only suggested.",
                        validators=[
                            django.core.validators.MinValueValidator(0.0),
                            django.core.validators.MaxValueValidator(1.0),
                        ],
                    ),
                ),
                (
                    "min_confidence_entity",
                    models.FloatField(
                        db_default=0.8,
                        default=0.8,
                        help_text="Entities below this are suggested.",
                        validators=[
                            django.core.validators.MinValueValidator(0.0),
                            django.core.validators.MaxValueValidator(1.0),
                        ],
                    ),
                ),
                (
                    "allow_unlisted_models",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="Models named here exist although no enabled provider lists them.",
                        verbose_name="models exist all the same",
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        auto_now=True, db_default=django.db.models.functions.datetime.Now()
                    ),
                ),
                (
                    "backup_provider",
                    models.ForeignKey(
                        blank=True,
                        db_column="backup_provider",
                        help_text="The last provider tried when all others failed.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="llmconfig.provider",
                        to_field="name",
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        db_column="provider",
                        db_default="local",
                        default="local",
                        help_text="Asked when nothing more specific names a provider.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="llmconfig.provider",
                        to_field="name",
                    ),
                ),
            ],
            options={
                "verbose_name": "processing settings",
                "verbose_name_plural": "processing settings",
                "db_table": "llm_config",
                "permissions": [
                    ("operate_llmconfig", "Can test providers and call models in the playground")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="llm_config_single_row"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("min_confidence_entity__gte", 0),
                            ("min_confidence_entity__lte", 1),
                            ("min_confidence_tagging__gte", 0),
                            ("min_confidence_tagging__lte", 1),
                        ),
                        name="llm_config_confidence_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("batch_size__gte", 1), ("concurrent_tasks__gte", 1)),
                        name="llm_config_sizes_positive",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ProviderModel",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "model_id",
                    models.CharField(
                        help_text="The provider's own name for it; on Azure the deployment.",
                        max_length=200,
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("chat", "Chat"), ("embedding", "Embedding")],
                        default="chat",
                        help_text="Chat or embedding.",
                        max_length=10,
                    ),
                ),
                (
                    "tier",
                    models.CharField(
                        blank=True,
                        help_text="local, cloud_fast, cloud_premium or one of your own; a reference <code>tier:cloud_fast</code> means the tier's one active model.",
                        max_length=50,
                        null=True,
                    ),
                ),
                (
                    "context_window",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Tokens that prompt and answer may have together.",
                        null=True,
                    ),
                ),
                (
                    "max_output_tokens",
                    models.PositiveIntegerField(
                        blank=True, help_text="The most tokens that one answer may have.", null=True
                    ),
                ),
                (
                    "supports_streaming",
                    models.BooleanField(default=True, help_text="Can send word by word."),
                ),
                (
                    "supports_temperature",
                    models.BooleanField(
                        default=True,
                        help_text="Off: a temperature is dropped, and the call's record says so.",
                    ),
                ),
                (
                    "supports_json_schema",
                    models.BooleanField(
                        default=False,
                        help_text="Obeys a JSON schema by itself; else answers are checked here.",
                    ),
                ),
                ("supports_tools", models.BooleanField(default=False, help_text="Can call tools.")),
                (
                    "supports_logprobs",
                    models.BooleanField(
                        default=False,
                        help_text="Tells how likely each token of its answer was, when <code>logprobs</code> asks for it; tags and entities take their confidence from that.",
                        verbose_name="supports log-probabilities",
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True, help_text="Off: the model is known but never chosen."
                    ),
                ),
                (
                    "retires_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="When its provider stops serving it. Discovery enters what a provider announces. Blank: not announced.",
                        null=True,
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "provider",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="models",
                        to="llmconfig.provider",
                    ),
                ),
            ],
            options={
                "db_table": "llm_provider_models",
                "ordering": ["provider", "model_id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("provider", "model_id"), name="llm_provider_models_unique"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("is_active", True), ("tier__isnull", False)),
                        fields=("tier",),
                        name="llm_provider_models_one_active_per_tier",
                        violation_error_message="Another active model has this tier; a tier has one.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ModelPrice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "valid_from",
                    models.DateTimeField(
                        help_text="The price holds for calls from this moment on."
                    ),
                ),
                (
                    "service_tier",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="Only for calls that the provider serves at this tier: <code>priority</code>, <code>flex</code>, <code>fast</code>, or <code>batch</code> for its own batches. Blank: the standard tier.",
                        max_length=20,
                    ),
                ),
                (
                    "above_prompt_tokens",
                    models.PositiveIntegerField(
                        db_default=0,
                        default=0,
                        help_text="Only for prompts of more tokens than this; then all of the call's tokens have this price. 0: prompts of any length.",
                    ),
                ),
                (
                    "hours_from",
                    models.TimeField(
                        blank=True,
                        help_text="Only from this time of day on (UTC). Blank: always.",
                        null=True,
                    ),
                ),
                (
                    "hours_until",
                    models.TimeField(
                        blank=True,
                        help_text="And before this one; earlier than the start: next day.",
                        null=True,
                    ),
                ),
                (
                    "input_per_1m",
                    models.DecimalField(
                        blank=True,
                        decimal_places=6,
                        help_text="Prompt. US dollars per million tokens. Blank means unknown, which is not the same as 0.",
                        max_digits=12,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "output_per_1m",
                    models.DecimalField(
                        blank=True,
                        decimal_places=6,
                        help_text="Answer, reasoning included. US dollars per million tokens. Blank means unknown, which is not the same as 0.",
                        max_digits=12,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "cached_input_per_1m",
                    models.DecimalField(
                        blank=True,
                        decimal_places=6,
                        help_text="Prompt tokens read from the provider's cache. Blank: as other prompt tokens.",
                        max_digits=12,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "cache_write_per_1m",
                    models.DecimalField(
                        blank=True,
                        decimal_places=6,
                        help_text="Prompt tokens written to the provider's cache. Blank: as other prompt tokens.",
                        max_digits=12,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "cache_write_1h_per_1m",
                    models.DecimalField(
                        blank=True,
                        decimal_places=6,
                        help_text="Prompt tokens written to the cache for an hour. Blank: twice the prompt's price.",
                        max_digits=12,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "reasoning_per_1m",
                    models.DecimalField(
                        blank=True,
                        decimal_places=6,
                        help_text="Reasoning tokens. Blank: as the answer.",
                        max_digits=12,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "audio_input_per_1m",
                    models.DecimalField(
                        blank=True,
                        decimal_places=6,
                        help_text="Audio in the prompt. US dollars per million tokens. Blank means unknown, which is not the same as 0.",
                        max_digits=12,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "audio_cached_per_1m",
                    models.DecimalField(
                        blank=True,
                        decimal_places=6,
                        help_text="Audio read from the cache. Blank: as other audio.",
                        max_digits=12,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "audio_output_per_1m",
                    models.DecimalField(
                        blank=True,
                        decimal_places=6,
                        help_text="Audio in the answer. US dollars per million tokens. Blank means unknown, which is not the same as 0.",
                        max_digits=12,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "image_input_per_1m",
                    models.DecimalField(
                        blank=True,
                        decimal_places=6,
                        help_text="Pictures in the prompt. Blank: as other prompt tokens.",
                        max_digits=12,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "image_cached_per_1m",
                    models.DecimalField(
                        blank=True,
                        decimal_places=6,
                        help_text="Pictures read from the cache. Blank: as other cached tokens.",
                        max_digits=12,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "image_output_per_1m",
                    models.DecimalField(
                        blank=True,
                        decimal_places=6,
                        help_text="Pictures in the answer. US dollars per million tokens. Blank means unknown, which is not the same as 0.",
                        max_digits=12,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "audio_per_hour",
                    models.DecimalField(
                        blank=True,
                        decimal_places=6,
                        help_text="An hour of audio in the prompt, in US dollars, where it is billed by its length.",
                        max_digits=12,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "web_search_per_1k",
                    models.DecimalField(
                        blank=True,
                        decimal_places=6,
                        help_text="A thousand web searches that the provider makes, in US dollars. Blank: unknown.",
                        max_digits=12,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "request_per_1k",
                    models.DecimalField(
                        blank=True,
                        decimal_places=6,
                        help_text="A thousand requests, in US dollars, beside their tokens.",
                        max_digits=12,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("manual", "Entered by a person"),
                            ("genai-prices", "genai-prices"),
                            ("suggested", "Suggested by genai-prices, not confirmed"),
                        ],
                        default="manual",
                        max_length=20,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "model",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="prices",
                        to="llmconfig.providermodel",
                    ),
                ),
            ],
            options={
                "db_table": "llm_model_prices",
                "ordering": ["model", "-valid_from"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=(
                            "model",
                            "valid_from",
                            "source",
                            "service_tier",
                            "above_prompt_tokens",
                            "hours_from",
                        ),
                        name="llm_model_prices_unique",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("input_per_1m__isnull", True),
                                ("input_per_1m__gte", 0),
                                _connector="OR",
                            ),
                            models.Q(
                                ("output_per_1m__isnull", True),
                                ("output_per_1m__gte", 0),
                                _connector="OR",
                            ),
                            models.Q(
                                ("cached_input_per_1m__isnull", True),
                                ("cached_input_per_1m__gte", 0),
                                _connector="OR",
                            ),
                            models.Q(
                                ("cache_write_per_1m__isnull", True),
                                ("cache_write_per_1m__gte", 0),
                                _connector="OR",
                            ),
                            models.Q(
                                ("cache_write_1h_per_1m__isnull", True),
                                ("cache_write_1h_per_1m__gte", 0),
                                _connector="OR",
                            ),
                            models.Q(
                                ("reasoning_per_1m__isnull", True),
                                ("reasoning_per_1m__gte", 0),
                                _connector="OR",
                            ),
                            models.Q(
                                ("audio_input_per_1m__isnull", True),
                                ("audio_input_per_1m__gte", 0),
                                _connector="OR",
                            ),
                            models.Q(
                                ("audio_cached_per_1m__isnull", True),
                                ("audio_cached_per_1m__gte", 0),
                                _connector="OR",
                            ),
                            models.Q(
                                ("audio_output_per_1m__isnull", True),
                                ("audio_output_per_1m__gte", 0),
                                _connector="OR",
                            ),
                            models.Q(
                                ("image_input_per_1m__isnull", True),
                                ("image_input_per_1m__gte", 0),
                                _connector="OR",
                            ),
                            models.Q(
                                ("image_cached_per_1m__isnull", True),
                                ("image_cached_per_1m__gte", 0),
                                _connector="OR",
                            ),
                            models.Q(
                                ("image_output_per_1m__isnull", True),
                                ("image_output_per_1m__gte", 0),
                                _connector="OR",
                            ),
                            models.Q(
                                ("audio_per_hour__isnull", True),
                                ("audio_per_hour__gte", 0),
                                _connector="OR",
                            ),
                            models.Q(
                                ("web_search_per_1k__isnull", True),
                                ("web_search_per_1k__gte", 0),
                                _connector="OR",
                            ),
                            models.Q(
                                ("request_per_1k__isnull", True),
                                ("request_per_1k__gte", 0),
                                _connector="OR",
                            ),
                        ),
                        name="llm_model_prices_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("hours_from__isnull", True), ("hours_until__isnull", True)),
                            models.Q(("hours_from__isnull", False), ("hours_until__isnull", False)),
                            _connector="OR",
                        ),
                        name="llm_model_prices_both_hours",
                        violation_error_message="Give both times of the day, or neither.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RefusedParameter",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("model_id", models.CharField(max_length=200)),
                (
                    "parameter",
                    models.CharField(
                        help_text="What is left out or sent in its other form, as <code>temperature</code> or <code>response_format:json_object</code>.",
                        max_length=80,
                    ),
                ),
                (
                    "told",
                    models.CharField(
                        blank=True,
                        help_text="The provider's own words when it refused.",
                        max_length=300,
                    ),
                ),
                ("found_at", models.DateTimeField(auto_now_add=True)),
                (
                    "provider",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="refused_parameters",
                        to="llmconfig.provider",
                    ),
                ),
            ],
            options={
                "db_table": "llm_refused_parameters",
                "ordering": ["provider", "model_id", "parameter"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("provider", "model_id", "parameter"),
                        name="llm_refused_parameters_unique",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Revision",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField()),
                (
                    "source",
                    models.CharField(
                        help_text="admin, api, yaml, seed, shell, call (learned from a provider's answer) or sql.",
                        max_length=20,
                    ),
                ),
                ("message", models.TextField(blank=True)),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "llm_revisions",
                "ordering": ["-number"],
            },
        ),
        migrations.CreateModel(
            name="RevisionChange",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("table_name", models.CharField(max_length=63)),
                ("row_key", models.CharField(max_length=100)),
                ("before", models.JSONField(null=True)),
                ("after", models.JSONField(null=True)),
                (
                    "revision",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="changes",
                        to="llmconfig.revision",
                    ),
                ),
            ],
            options={
                "db_table": "llm_revision_changes",
                "ordering": ["id"],
                "indexes": [
                    models.Index(fields=["table_name", "row_key", "id"], name="idx_llm_changes_row")
                ],
            },
        ),
        migrations.CreateModel(
            name="UserConfig",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "interaction_type",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("reasoning", "Reasoning"),
                            ("tools", "Tool calls"),
                            ("subagents", "Sub-agents"),
                            ("planning", "Planning"),
                            ("embeddings", "Embeddings"),
                            ("tagger", "Tagger"),
                            ("enricher", "Enricher"),
                            ("analytics", "Analytics"),
                            ("responder", "Responder"),
                        ],
                        help_text="Set this or the node, not both.",
                        max_length=20,
                    ),
                ),
                (
                    "model",
                    models.CharField(
                        blank=True,
                        help_text="<code>provider/model</code>, a bare model id, or <code>tier:cloud_fast</code>. Blank: inherited.",
                        max_length=200,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A(?!/)\\S*(?<![/:])\\Z",
                                "Write provider/model, a model id or tier:name, whole and without spaces.",
                            )
                        ],
                    ),
                ),
                (
                    "temperature",
                    models.FloatField(
                        blank=True,
                        help_text="Blank: not overridden.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(0.0),
                            django.core.validators.MaxValueValidator(2.0),
                        ],
                    ),
                ),
                (
                    "max_tokens",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Blank: not overridden.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "allow_unlisted_models",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="Models named here exist although no enabled provider lists them.",
                        verbose_name="models exist all the same",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "node",
                    models.ForeignKey(
                        blank=True,
                        help_text="Set this or the interaction type, not both.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="user_configs",
                        to="llmconfig.nodeconfiguration",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="llm_configs",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "user's choice",
                "db_table": "llm_user_config",
                "ordering": ["user", "interaction_type"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("interaction_type", ""), ("node__isnull", False)),
                            models.Q(
                                models.Q(("interaction_type", ""), _negated=True),
                                ("node__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="llm_user_config_one_scope",
                        violation_error_message="Choose an interaction type or a node, not both.",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("node__isnull", True)),
                        fields=("user", "interaction_type"),
                        name="llm_user_config_unique_type",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("node__isnull", False)),
                        fields=("user", "node"),
                        name="llm_user_config_unique_node",
                    ),
                ],
            },
        ),
        InstallSQL("llmconfig", "llm_open_revision.sql"),
        InstallSQL("llmconfig", "llm_record_change.sql"),
        InstallSQL("llmconfig", "history_triggers.sql"),
        InstallSQL("llmconfig", "llm_context_windows.sql"),
    ]

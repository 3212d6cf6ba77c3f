"""Adoption listings and the organizations that publish them."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Organization",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "external_id",
                    models.CharField(help_text="Id at the source.", max_length=50, unique=True),
                ),
                (
                    "slug",
                    models.SlugField(
                        allow_unicode=True,
                        help_text="Used by <code>-o</code>; several rescues may share one.",
                        max_length=100,
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "db_table": "organizations",
                "ordering": ["slug", "id"],
                "indexes": [models.Index(fields=["slug"], name="idx_organizations_slug")],
            },
        ),
        migrations.CreateModel(
            name="Animal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("llm_processed_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "llm_model_used",
                    models.CharField(blank=True, editable=False, max_length=100, null=True),
                ),
                (
                    "external_id",
                    models.CharField(help_text="Id at the source.", max_length=50, unique=True),
                ),
                ("source", models.CharField(blank=True, max_length=50)),
                ("name", models.CharField(max_length=200)),
                ("species", models.CharField(default="dog", max_length=50)),
                ("breed", models.CharField(blank=True, max_length=100)),
                ("breed_secondary", models.CharField(blank=True, max_length=100)),
                ("mixed", models.BooleanField(blank=True, null=True)),
                ("age", models.CharField(blank=True, max_length=50)),
                ("sex", models.CharField(blank=True, max_length=50)),
                ("size", models.CharField(blank=True, max_length=50)),
                ("coat", models.CharField(blank=True, max_length=50)),
                ("color", models.CharField(blank=True, max_length=100)),
                (
                    "fixed",
                    models.BooleanField(blank=True, help_text="Spayed or neutered.", null=True),
                ),
                ("house_trained", models.BooleanField(blank=True, null=True)),
                ("special_needs", models.BooleanField(blank=True, null=True)),
                ("shots_current", models.BooleanField(blank=True, null=True)),
                (
                    "good_with_children",
                    models.BooleanField(
                        blank=True, help_text="Unknown is not the same as no.", null=True
                    ),
                ),
                ("good_with_dogs", models.BooleanField(blank=True, null=True)),
                ("good_with_cats", models.BooleanField(blank=True, null=True)),
                ("health", models.TextField(blank=True)),
                ("fee", models.CharField(blank=True, max_length=100)),
                ("city", models.CharField(blank=True, max_length=100)),
                ("state", models.CharField(blank=True, max_length=50)),
                ("country", models.CharField(blank=True, max_length=2)),
                ("posted", models.DateTimeField(blank=True, null=True)),
                ("status", models.CharField(blank=True, max_length=50)),
                ("url", models.URLField(blank=True, max_length=500)),
                (
                    "description",
                    models.TextField(blank=True, help_text="As published; never changed by us."),
                ),
                ("enriched_description", models.TextField(blank=True, null=True)),
                ("dog_profiler_data", models.JSONField(blank=True, null=True)),
                (
                    "translations",
                    models.JSONField(blank=True, help_text="Text by language code.", null=True),
                ),
                (
                    "tags",
                    models.JSONField(
                        blank=True,
                        help_text="Search tags with their confidence, the surest first.",
                        null=True,
                    ),
                ),
                (
                    "entities",
                    models.JSONField(
                        blank=True,
                        help_text="What the text names: type, text and confidence, the surest first.",
                        null=True,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="animals",
                        to="listings.organization",
                    ),
                ),
            ],
            options={
                "db_table": "animals",
                "ordering": ["id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("llm_processed_at__isnull", False)),
                        fields=["llm_processed_at"],
                        name="idx_animals_llm_processed",
                    ),
                    models.Index(
                        condition=models.Q(("enriched_description__isnull", False)),
                        fields=["id"],
                        name="idx_animals_enriched",
                    ),
                    models.Index(
                        condition=models.Q(("dog_profiler_data__isnull", False)),
                        fields=["id"],
                        name="idx_animals_profiler",
                    ),
                ],
            },
        ),
    ]

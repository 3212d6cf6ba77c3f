import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("enrichment", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="prompt",
            name="enrichment_prompts_version",
        ),
        migrations.AddField(
            model_name="animal",
            name="entities",
            field=models.JSONField(
                blank=True,
                help_text="What the text names: type, text and confidence, the surest first.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="animal",
            name="tags",
            field=models.JSONField(
                blank=True,
                help_text="Search tags with their confidence, the surest first.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="enrichmentresult",
            name="confidence",
            field=models.FloatField(
                help_text="From 0 to 1, of the least sure part. Blank: the answer states none.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="enrichmentresult",
            name="confidence_source",
            field=models.CharField(
                blank=True, db_default="", help_text="Who says how sure it is.", max_length=20
            ),
        ),
        migrations.AddField(
            model_name="enrichmentresult",
            name="reviewed_at",
            field=models.DateTimeField(help_text="When a person decided on it.", null=True),
        ),
        migrations.AddField(
            model_name="enrichmentresult",
            name="reviewed_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="enrichmentresult",
            name="suggestion",
            field=models.JSONField(
                help_text="A fuller value than the applied one; some of its parts were not sure enough.",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="enrichmentresult",
            name="reason",
            field=models.TextField(
                blank=True,
                default="",
                help_text="Why it failed, was skipped, or waits for a person.",
            ),
        ),
        migrations.AlterField(
            model_name="prompt",
            name="user",
            field=models.TextField(
                help_text="The message. Only <code>{{name}}</code> is replaced, by the row's value."
            ),
        ),
        migrations.AlterField(
            model_name="prompt",
            name="version",
            field=models.PositiveIntegerField(
                help_text="Counts up over all organizations; results remember theirs."
            ),
        ),
        migrations.AddIndex(
            model_name="enrichmentresult",
            index=models.Index(
                condition=models.Q(
                    ("state", "suggested"), ("suggestion__isnull", False), _connector="OR"
                ),
                fields=["-id"],
                name="idx_results_to_review",
            ),
        ),
        migrations.AddConstraint(
            model_name="prompt",
            constraint=models.UniqueConstraint(
                fields=("enrichment", "version"), name="enrichment_prompts_version"
            ),
        ),
    ]

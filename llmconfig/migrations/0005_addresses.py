"""Addresses of hosts without a dot, as Docker Compose has them. No change of the table."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("llmconfig", "0004_any_users"),
    ]

    operations = [
        migrations.AlterField(
            model_name="provider",
            name="api_base_url",
            field=models.CharField(
                blank=True,
                help_text="Address of the API. Blank: the vendor's own. Changing scheme, host or port asks for the key again.",
                max_length=255,
                validators=[
                    django.core.validators.RegexValidator(
                        "\\A[a-zA-Z][a-zA-Z0-9+.-]*://[^\\s/?#]+(?:[/?#]\\S*)?\\Z",
                        "Enter a whole address, such as https://models.example.com/v1.",
                    )
                ],
            ),
        ),
    ]

"""Names of tables and columns as the admin says them; nothing in the database changes."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("llmconfig", "0005_addresses"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="userconfig",
            options={"ordering": ["user", "interaction_type"], "verbose_name": "user override"},
        ),
    ]

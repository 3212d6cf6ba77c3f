"""A project's own tables and enrichments, for the length of a test."""

import pytest
from django.apps import AppConfig, apps
from django.db import connection

from enrichment import enrichments
from llmconfig.configuration import snapshot
from llmconfig.models import NodeConfiguration
from tests.museum.enrichments import CoinLabels, ExhibitLabel
from tests.museum.models import Coin, Exhibit, Loan, Painting


@pytest.fixture
def museum(provider):
    """The museum's app with its tables and enrichments."""
    # Not by changing INSTALLED_APPS: that makes every app ready again, the admin's site too.
    config = AppConfig.create("tests.museum")
    config.apps = apps
    apps.app_configs[config.label] = config
    config.import_models()
    apps.clear_cache()
    with connection.schema_editor() as editor:
        for model in (Exhibit, Coin, Painting, Loan):
            editor.create_model(model)
    ours = (ExhibitLabel(), CoinLabels())
    for each in ours:
        enrichments.register(each)
    NodeConfiguration.objects.create(
        node_name="exhibit_label", interaction_type="enricher", default_model="sim/gpt-4o-mini"
    )
    snapshot.expire()
    yield
    for each in ours:
        enrichments.unregister(each.name)
    with connection.schema_editor() as editor:
        for model in (Loan, Painting, Coin, Exhibit):
            editor.delete_model(model)
    del apps.app_configs[config.label]
    apps.clear_cache()


def exhibit_rows(count, *, notes="A vase with a dragon on it."):
    """So many more exhibits."""
    return Exhibit.objects.bulk_create(
        Exhibit(title=f"Vase {number}", notes=notes) for number in range(count)
    )

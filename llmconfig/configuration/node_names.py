"""Which names a new node may take, for every surface that makes one by hand."""

from django.utils.translation import gettext

from llmconfig.errors import ChangeRefused
from llmconfig.models import InteractionType, Provider, ProviderModel


def refuse_taken(name: str) -> None:
    """A node may hide nothing that calls by its name reach; raises ChangeRefused."""
    taken = (
        name in InteractionType.values
        or ProviderModel.objects.filter(model_id=name).exists()
        or Provider.objects.filter(name=name).exists()
    )
    if taken:
        raise ChangeRefused(
            gettext("An interaction type, a model or a provider has this name; choose another."),
            field="node_name",
        )

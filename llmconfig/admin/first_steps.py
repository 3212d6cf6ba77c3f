"""The first steps of the configuration: a provider, models, nodes, and calls enabled."""

from django.http import HttpRequest
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from llmconfig import project_settings
from llmconfig.admin.kit.checklist import (
    Step,
    StepState,
    checklist_widget,
    refused,
    register_step,
)
from llmconfig.admin.kit.dashboard import register_widget
from llmconfig.admin.kit.presentation import in_a_line
from llmconfig.configuration import snapshot
from llmconfig.configuration.sync.writing import sync
from llmconfig.diagnostics import first_steps
from llmconfig.errors import ChangeRefused, NodesFileInvalid
from llmconfig.models import Provider, ProviderModel
from llmconfig.roles import User

MAX_MODELS_OFFERED = 300


def _user(request: HttpRequest) -> User | None:
    return request.user if request.user.is_authenticated else None


def _provider(request: HttpRequest) -> StepState:
    names = first_steps.connected()
    failed = Provider.objects.filter(is_enabled=True).exclude(validation_error="").first()
    detail = ", ".join(names)
    if not names and failed is not None:
        detail = f"{failed.name}: {failed.validation_error}"
    return StepState(
        bool(names),
        detail or gettext("Enter a key: the connection is tested, and models and prices are read."),
        "nodewise/steps/provider.html",
        {"offers": () if names else first_steps.offers(), "given": refused(request, "provider")},
    )


def _connect(request: HttpRequest) -> str:
    given = request.POST
    return first_steps.connect(
        given.get("provider", ""),
        key=given.get("key", "").strip(),
        address=given.get("address", "").strip(),
        user=_user(request),
    )


def _models(request: HttpRequest) -> StepState:
    missing = first_steps.unserved(snapshot.current())
    if not missing:
        return StepState(True, gettext("Each interaction type has a model."))
    models = first_steps.speaking_models()[:MAX_MODELS_OFFERED]
    without = ", ".join(in_a_line(each.label) for each in missing)
    return StepState(
        False,
        gettext("Without a listed model: {kinds}.").format(kinds=without),
        "nodewise/steps/model.html",
        {"models": models},
    )


def _use_model(request: HttpRequest) -> str:
    key = request.POST.get("model", "")
    found = [row for row in first_steps.speaking_models() if str(row.pk) == key]
    if not found:
        raise ChangeRefused(
            gettext("Choose a model that an enabled provider lists."), field="model"
        )
    model: ProviderModel = found[0]
    return first_steps.use_model(model, user=_user(request))


def _nodes(request: HttpRequest) -> StepState:
    number = len(snapshot.current().nodes)
    detail = (
        ngettext("{number} node.", "{number} nodes.", number).format(number=number)
        if number
        else gettext("The places in your application that call models, from the nodes file.")
    )
    return StepState(
        bool(number), detail, "nodewise/steps/button.html", {"button": gettext("Add the nodes")}
    )


def _add_nodes(request: HttpRequest) -> str:
    paths = project_settings.nodes_files()
    try:
        plan = sync(*paths)
    except FileNotFoundError as error:
        raise ChangeRefused(
            gettext("There is no nodes file at {file} (LLM_NODES_FILE): add nodes by hand.").format(
                file=error.filename
            ),
            field="nodes",
        ) from None
    except NodesFileInvalid as error:
        named = ", ".join(path.name for path in paths)
        raise ChangeRefused(f"{named}: {error}", field="nodes") from None
    return gettext("Nodes: {totals}.").format(totals=plan.totals)


def _switch(request: HttpRequest) -> StepState:
    enabled = bool(snapshot.current().processing.get("enabled"))
    detail = gettext("Enabled.") if enabled else gettext("Until then every call is refused.")
    return StepState(
        enabled, detail, "nodewise/steps/button.html", {"button": gettext("Enable calls")}
    )


def _enable(request: HttpRequest) -> str:
    return first_steps.enable_calls(user=_user(request))


register_step(
    Step("provider", _("A provider"), 10, "llmconfig.change_provider", _provider, _connect)
)
register_step(
    Step("models", _("Models for the interaction types"), 20, "llmconfig.change_globalconfig",
         _models, _use_model)
)  # fmt: skip
register_step(
    Step("nodes", _("Nodes"), 30, "llmconfig.change_nodeconfiguration", _nodes, _add_nodes)
)
register_step(Step("calls", _("Enable calls"), 40, "llmconfig.change_llmconfig", _switch, _enable))
register_widget(checklist_widget, rank=-1)

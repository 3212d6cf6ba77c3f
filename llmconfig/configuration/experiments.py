"""Which arm of a node's running experiment a key belongs to; starting, stopping and promoting.

A key is placed by weighted rendezvous hashing: every arm draws a number from SHA-256 of
experiment, arm and key, and the lowest, divided by the weight, has the key. So an arm's place in
the list means nothing, and a changed weight moves only keys to or from that arm.
"""

import hashlib
import math

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext

from llmconfig.configuration.facts import ArmFacts, ExperimentFacts
from llmconfig.configuration.revisions import change
from llmconfig.errors import ChangeRefused
from llmconfig.models import (
    Experiment,
    ExperimentArm,
    ExperimentMode,
    ExperimentStatus,
    NodeConfiguration,
)
from llmconfig.roles import User

RUNNING_ARMS = (
    "The arms of a running experiment can't change, as its figures would mix two of them: stop it"
    " first."
)


def arm_of(experiment: ExperimentFacts, key: str) -> ArmFacts | None:
    """The arm that has the key, for all time and in every process; None for a blank key."""
    if not key or not experiment.arms:
        return None
    return min(experiment.arms, key=lambda arm: _draw(experiment.id, arm, key))


def _draw(experiment_id: str, arm: ArmFacts, key: str) -> float:
    """Exponentially distributed with the weight as its rate: the least wins in proportion."""
    text = f"{experiment_id}:{arm.id}:{key}".encode("utf-8", "surrogatepass")
    number = int.from_bytes(hashlib.sha256(text).digest()[:8])
    return -math.log((number + 0.5) / 2**64) / arm.weight


def start(name: str, *, source: str, user: User | None = None) -> Experiment:
    """Let an experiment divide its node's calls; raises ChangeRefused, naming the reason."""
    with change(source=source, user=user, message=f"Started {name}."):
        experiment = _locked(name)
        if experiment.status == ExperimentStatus.RUNNING:
            raise ChangeRefused(
                gettext("The experiment {name!r} is running already.").format(name=name),
                field="status",
            )
        if experiment.arms.count() < 2:
            raise ChangeRefused(
                gettext(
                    "The experiment {name!r} needs at least two arms; one may override nothing."
                ).format(name=name),
                field="arms",
            )
        if experiment.mode == ExperimentMode.SHADOW and _controls(experiment) != 1:
            raise ChangeRefused(
                gettext(
                    "The experiment {name!r} is a shadow: give it one arm that overrides nothing, "
                    "which answers."
                ).format(name=name),
                field="arms",
            )
        experiment.status, experiment.promoted_arm = ExperimentStatus.RUNNING, ""
        experiment.started_at, experiment.stopped_at = timezone.now(), None
        try:
            with transaction.atomic():
                experiment.save()
        except IntegrityError as error:
            raise ChangeRefused(
                gettext("Another experiment is running on the node {node}: stop it first.").format(
                    node=experiment.node
                ),
                field="node",
            ) from error
    return experiment


def stop(name: str, *, source: str, user: User | None = None) -> Experiment:
    """Give the node's own values back to all its calls; raises ChangeRefused."""
    with change(source=source, user=user, message=f"Stopped {name}."):
        experiment = _locked(name)
        if experiment.status != ExperimentStatus.RUNNING:
            raise ChangeRefused(
                gettext("The experiment {name!r} is not running.").format(name=name), field="status"
            )
        experiment.status = ExperimentStatus.STOPPED
        experiment.stopped_at = timezone.now()
        experiment.save()
    return experiment


def promote(name: str, arm: str, *, source: str, user: User | None = None) -> Experiment:
    """Make an arm's values the node's own and stop the experiment; raises ChangeRefused.

    What the arm leaves blank stays as the node has it.
    """
    with change(source=source, user=user, message=f"Promoted {arm} of {name}."):
        experiment = _locked(name)
        if experiment.status == ExperimentStatus.DRAFT:
            raise ChangeRefused(
                gettext("The experiment {name!r} was never started.").format(name=name),
                field="status",
            )
        found = experiment.arms.filter(name=arm).first()
        if found is None:
            known = ", ".join(experiment.arms.values_list("name", flat=True))
            raise ChangeRefused(
                gettext("The experiment {name!r} has no arm {arm!r}; it has {known}.").format(
                    name=name, arm=arm, known=known
                ),
                field="arm",
            )
        _take_over(found, experiment.node)
        if experiment.status == ExperimentStatus.RUNNING:
            experiment.stopped_at = timezone.now()
        experiment.status, experiment.promoted_arm = ExperimentStatus.STOPPED, arm
        experiment.save()
    return experiment


def _take_over(arm: ExperimentArm, node: NodeConfiguration) -> None:
    """The arm's values, on Azure too: there the node's own values for Azure would go first."""
    if arm.model:
        # The node's provider was for its old model.
        node.default_model, node.provider, node.azure_model = arm.model, arm.provider, ""
        node.allow_unlisted_models |= arm.allow_unlisted_models
    elif arm.provider:
        node.provider = arm.provider
    if arm.temperature is not None:
        node.default_temperature, node.azure_temperature = arm.temperature, None
    if arm.max_tokens is not None:
        node.default_max_tokens, node.azure_max_tokens = arm.max_tokens, None
    node.save()


def _controls(experiment: Experiment) -> int:
    return sum(arm.is_control for arm in experiment.arms.all())


def _locked(name: str) -> Experiment:
    rows = Experiment.objects.select_related("node").select_for_update(of=("self", "node"))
    found = rows.filter(name=name).first()
    if found is None:
        known = ", ".join(Experiment.objects.values_list("name", flat=True)) or "none yet"
        raise ChangeRefused(
            gettext("There is no experiment {name!r}; known: {known}.").format(
                name=name, known=known
            ),
            field="name",
        )
    return found

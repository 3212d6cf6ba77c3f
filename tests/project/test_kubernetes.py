"""deploy/kubernetes: valid by Kubernetes' own schemas, and the same parts as the Compose file's."""

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from enrichment.engine.lanes import LANE_SECONDS
from llmconfig.configuration.process_settings import definitions

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
KUSTOMIZATION = "kustomization.yaml"
VERSIONS = ("1.28", "1.37")  # the oldest that we mean, and the newest that the schemas know
DOCUMENTS: list[dict[str, Any]] = [
    document
    for path in sorted(FOLDER.glob("*.yaml"))
    if path.name != KUSTOMIZATION
    for document in yaml.safe_load_all(path.read_text())
]
PODS = {
    each["metadata"]["name"].removeprefix("nodewise-"): each["spec"]["template"]["spec"]
    for each in DOCUMENTS
    if "template" in each.get("spec", {})
}
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


def named(kind: str, name: str) -> dict[str, Any]:
    return next(
        each for each in DOCUMENTS if (each["kind"], each["metadata"]["name"]) == (kind, name)
    )


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda each: f"{each['kind']}-{each['metadata']['name']}"
)
def test_each_manifest_obeys_the_schema_of_kubernetes(document, version):
    kubernetes_validate.validate(document, version, strict=True)


def test_the_schemas_refuse_a_misspelled_key():
    wrong = named("StatefulSet", "nodewise-worker")
    wrong = {**wrong, "spec": {**wrong["spec"], "replica": 2}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


def test_kustomize_takes_every_manifest_but_the_example_of_a_secret():
    kustomization = yaml.safe_load((FOLDER / KUSTOMIZATION).read_text())
    there = {path.name for path in FOLDER.glob("*.yaml")}
    assert there - set(kustomization["resources"]) == {KUSTOMIZATION, "01-secret.example.yaml"}
    assert [each["name"] for each in kustomization["images"]] == ["nodewise"]


@pytest.mark.parametrize("part", ["migrate", "web", "worker", "timers", "beat"])
def test_each_part_is_the_compose_files_and_can_change_nothing_of_its_image(part):
    pod = PODS[part]
    (container,) = pod["containers"]
    command = [
        word.replace("${WORKER_CONCURRENCY:-2}", "2").replace("${LOG_LEVEL:-INFO}", "INFO")
        for word in COMPOSE[part].get("command", ())
    ]
    assert list(container.get("command", ())) == command
    assert container["image"] == "nodewise"  # kustomization.yaml says which, by tag or digest
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001  # the Dockerfile's
    assert pod["automountServiceAccountToken"] is False
    assert "memory" in container["resources"]["limits"]


def test_parts_that_live_long_have_probes_and_there_is_one_beat():
    for part in ("web", "worker", "timers", "beat"):
        assert "livenessProbe" in PODS[part]["containers"][0]
    web = PODS["web"]["containers"][0]
    assert web["readinessProbe"]["httpGet"]["path"] == "/readyz"
    beat = named("Deployment", "nodewise-beat")["spec"]
    assert (beat["replicas"], beat["strategy"]) == (1, {"type": "Recreate"})


def test_folders_on_a_disk_stay_their_users_own_when_a_pod_starts_again():
    """By itself Kubernetes opens all that lies there to the group, each time."""
    claiming = [each for each in DOCUMENTS if each.get("spec", {}).get("volumeClaimTemplates")]
    assert len(claiming) == 2
    for each in claiming:
        pod = each["spec"]["template"]["spec"]
        assert pod["securityContext"]["fsGroupChangePolicy"] == "OnRootMismatch"


def test_settings_and_the_migrations_can_be_applied_before_the_other_parts():
    text = (ROOT / "docs" / "deployment.md").read_text()
    (found,) = re.findall(r"component in \(([^)]*)\)", text)
    first = {
        each["kind"]
        for each in DOCUMENTS
        if each["metadata"].get("labels", {}).get("app.kubernetes.io/component")
        in found.split(", ")
    }
    assert first == {"ConfigMap", "Job"}


def test_a_worker_may_finish_its_lane_and_is_scaled_by_the_queue():
    assert PODS["worker"]["terminationGracePeriodSeconds"] > LANE_SECONDS
    scaler = named("HorizontalPodAutoscaler", "nodewise-worker")["spec"]
    worker = named("StatefulSet", "nodewise-worker")
    assert "replicas" not in worker["spec"]  # each apply would undo the scaler's number
    assert scaler["scaleTargetRef"]["kind"] == worker["kind"]
    assert scaler["scaleTargetRef"]["name"] == worker["metadata"]["name"]
    assert scaler["metrics"][0]["external"]["metric"]["selector"] == {
        "matchLabels": {"queue": "celery"}
    }


def test_nobody_reaches_the_parts_but_web_from_the_ingress():
    inside, web = (named("NetworkPolicy", f"nodewise-{name}") for name in ("inside", "web"))
    assert (inside["spec"]["ingress"], inside["spec"]["policyTypes"]) == ([], ["Ingress", "Egress"])
    labels = named("StatefulSet", "nodewise-web")["spec"]["template"]["metadata"]["labels"]
    assert web["spec"]["podSelector"]["matchLabels"] == labels


def test_each_setting_of_the_config_map_is_one_of_ours():
    documented = (ROOT / "docs" / "settings.md").read_text() + (
        ROOT / "docs" / "deployment.md"
    ).read_text()
    known = {each.variable for each in definitions()}
    for name in named("ConfigMap", "nodewise")["data"]:
        assert name in known or f"`{name.removesuffix('_FILE')}`" in documented, name

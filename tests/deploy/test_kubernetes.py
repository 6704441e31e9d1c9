"""
The Kubernetes manifests ask for nothing that this version does not have, and run nothing as root.
"""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click
import pytest
import yaml  # type: ignore[import-untyped]  # ships no types

from payments_bootstrap.configuration import load
from payments_bootstrap.settings import HttpSettings, WorkerSettings
from payments_cli.main import main as payments

FOLDER: Final = Path(__file__).parents[2] / "deploy" / "kubernetes"
REQUIRED: Final = {
    "DATABASE__URL": "sqlite://",
    "PAYMENT_PROVIDERS__STRIPE__API_KEY": "sk_test_" + "x" * 24,
    "PAYMENT_PROVIDERS__STRIPE__WEBHOOK_SECRET": "whsec_" + "x" * 24,
}

Json = dict[str, Any]


def documents(name: str) -> list[Json]:
    """
    Return what a file of the folder holds.
    """
    return list(yaml.safe_load_all((FOLDER / name).read_text("utf-8")))


def manifests() -> Iterator[Json]:
    """
    Yield each document of each file that the kustomization names.
    """
    for name in documents("kustomization.yaml")[0]["resources"]:
        yield from documents(name)


def pods() -> Iterator[tuple[str, Json]]:
    """
    Yield the name of each workload with the specification of its pods.
    """
    for manifest in manifests():
        spec = manifest.get("spec", {})
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        if "template" in spec:
            yield manifest["metadata"]["name"], spec["template"]["spec"]


def parsed(group: click.Command, words: list[str]) -> click.Context:
    """
    Return what Click makes of a command line, down to the last subcommand, without running it.
    """
    context = group.make_context(group.name, list(words))
    while isinstance(context.command, click.Group):
        rest = [*context._protected_args, *context.args]
        _, child, rest = context.command.resolve_command(context, rest)
        assert child is not None
        context = child.make_context(child.name, rest, parent=context)
    return context


PODS: Final = dict(pods())
BY_NAME: Final = {(m["kind"], m["metadata"]["name"]): m for m in manifests()}


@pytest.mark.parametrize("name", sorted(PODS))
def test_command_lines_are_understood(name: str) -> None:
    """
    What a pod is started with is a command of this version, with options that it has.
    """
    (container,) = PODS[name]["containers"]

    assert container["image"] == "payments"
    assert parsed(payments, container["args"]).command.callback is not None


@pytest.mark.parametrize("name", sorted(PODS))
def test_nothing_runs_as_root(name: str) -> None:
    """
    A pod has one user without rights, a file system that it cannot write, and no token of the cluster.
    """
    pod = PODS[name]
    (container,) = pod["containers"]

    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert "memory" in container["resources"]["limits"]


def test_settings_are_settings(caplog: pytest.LogCaptureFixture) -> None:
    """
    Every name in the ConfigMap and the Secret is one of this version, and together they start it.
    """
    secret = documents("secret.example.yaml")[0]["stringData"]
    plain = BY_NAME["ConfigMap", "payments"]["data"]
    load({**dict.fromkeys(secret, ""), **plain, **REQUIRED})

    assert not caplog.records
    assert not plain.keys() & secret.keys()


def test_autoscaler_and_budgets_name_what_is_there() -> None:
    """
    The autoscaler's target exists and sets no number itself; each budget selects pods that exist.
    """
    target = BY_NAME["HorizontalPodAutoscaler", "payments-api"]["spec"]["scaleTargetRef"]
    labels = {
        name: BY_NAME[kind, name]["spec"]["template"]["metadata"]["labels"]
        for kind, name in BY_NAME
        if kind == "Deployment"
    }
    budgets = [
        m["spec"]["selector"]["matchLabels"]
        for (k, _), m in BY_NAME.items()
        if k == "PodDisruptionBudget"
    ]

    assert "replicas" not in BY_NAME[target["kind"], target["name"]]["spec"]
    assert sorted(map(str, budgets)) == sorted(map(str, labels.values()))


def test_api_is_told_to_stop_after_nobody_calls_it() -> None:
    """
    The endpoints forget a pod before it stops, and it may finish its longest request (12 s) then.
    """
    pod = PODS["payments-api"]
    (container,) = pod["containers"]
    pause = int(container["lifecycle"]["preStop"]["exec"]["command"][1])

    assert pause + 12 < pod["terminationGracePeriodSeconds"]


MINUTES: Final = 60.0


@pytest.mark.parametrize("age", [0.0, 2 * MINUTES, None])
@pytest.mark.parametrize("name", ["payments-worker", "payments-relay"])
def test_a_worker_that_hangs_is_restarted(name: str, age: float | None, tmp_path: Path) -> None:
    """
    The probe is content while the file that the settings name is fresh, and with no other one.
    """
    (container,) = PODS[name]["containers"]
    named = BY_NAME["ConfigMap", "payments"]["data"]["WORKER__ALIVE_FILE"]
    shell, option, probe = container["livenessProbe"]["exec"]["command"]
    file = tmp_path / "alive"
    if age is not None:
        file.touch()
        os.utime(file, (time.time() - age,) * 2)
    ended = subprocess.run([shell, option, probe.replace(named, str(file))], check=False)

    assert named in probe
    assert named in container["startupProbe"]["exec"]["command"][2]
    assert (ended.returncode == 0) is (age == 0.0)


def test_network_lets_each_port_be_reached() -> None:
    """
    A policy selects every pod there is; the API's port and the figures' are open, and nothing else.
    """
    policies = {name: m["spec"] for (kind, name), m in BY_NAME.items() if kind == "NetworkPolicy"}
    (selected,) = policies["payments"]["podSelector"]["matchExpressions"]
    opened = [
        (name, port["port"])
        for name, spec in policies.items()
        for rule in spec["ingress"]
        for port in rule["ports"]
    ]

    assert set(selected["values"]) == set(PODS)
    assert policies["payments-api"]["podSelector"]["matchLabels"] == {
        "app.kubernetes.io/name": "payments-api"
    }
    assert sorted(opened, key=str) == [
        ("payments", HttpSettings().metrics_port),
        ("payments", WorkerSettings().metrics_port),
        ("payments-api", "http"),
    ]


def test_scraped_ports_are_open() -> None:
    """
    Prometheus is sent where the settings let each process tell its figures.
    """
    ports = {"serve": HttpSettings().metrics_port, "worker": WorkerSettings().metrics_port}
    for (kind, name), manifest in BY_NAME.items():
        if kind == "Deployment":
            annotations = manifest["spec"]["template"]["metadata"]["annotations"]
            (container,) = PODS[name]["containers"]
            port = ports[container["args"][0]]

            assert annotations["prometheus.io/port"] == str(port)
            assert port in {each["containerPort"] for each in container["ports"]}

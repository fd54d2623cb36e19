"""deploy/kubernetes as `kubectl kustomize` renders it. No cluster is asked."""

import functools
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.repository import ROOT

KUBERNETES = ROOT / "deploy" / "kubernetes"
PRODUCTION = KUBERNETES / "overlays" / "production"
Manifest = dict[str, Any]


@functools.cache
def _rendered(folder: Path) -> str:
    if (kubectl := shutil.which("kubectl")) is None:
        pytest.fail("kubectl is not on the PATH (1.27 or newer, for its `kustomize`)")
    return subprocess.run([kubectl, "kustomize", str(folder)], check=True, capture_output=True, text=True).stdout


def rendered(folder: Path) -> list[Manifest]:
    return list(yaml.safe_load_all(_rendered(folder)))


def with_step_pools(scratch: Path) -> list[Manifest]:
    """production, with the component that is a comment there."""
    copy = scratch / "kubernetes"
    shutil.copytree(KUBERNETES, copy)
    file = copy / "overlays" / "production" / "kustomization.yaml"
    text = file.read_text()
    assert "# - ../../components/step-pools" in text
    file.write_text(text.replace("# - ../../components/step-pools", "- ../../components/step-pools"))
    return list(yaml.safe_load_all(_rendered(file.parent)))


def of_kind(manifests: list[Manifest], kind: str) -> dict[str, Manifest]:
    """By their names."""
    return {one["metadata"]["name"]: one for one in manifests if one["kind"] == kind}


def pods(manifests: list[Manifest]) -> dict[str, Manifest]:
    """The pod templates of deployments and jobs."""
    kinds = ("Deployment", "Job")
    return {one["metadata"]["name"]: one["spec"]["template"] for one in manifests if one["kind"] in kinds}


def container(pod: Manifest) -> Manifest:
    (only,) = pod["spec"]["containers"]
    found: Manifest = only
    return found


def environment(pod: Manifest, manifests: list[Manifest]) -> dict[str, str]:
    """Variables that the pod is given a value for, from its ConfigMap and its own; of secrets an empty one."""
    maps, only = of_kind(manifests, "ConfigMap"), container(pod)
    shared = [maps[source["configMapRef"]["name"]]["data"] for source in only["envFrom"]]
    own = {one["name"]: one.get("value", "") for one in only.get("env", ())}
    return {name: value for variables in (*shared, own) for name, value in variables.items()}


def triggers(manifests: list[Manifest], kind: str) -> Iterator[tuple[str, Manifest]]:
    """(what is scaled, trigger) of all ScaledObjects."""
    for one in of_kind(manifests, "ScaledObject").values():
        for trigger in one["spec"]["triggers"]:
            if trigger["type"] == kind:
                yield one["spec"]["scaleTargetRef"]["name"], trigger

"""deploy/kubernetes is what a cluster takes, and what it says is what the services are: nothing of it was made up."""

import json
import re
import subprocess
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import kubernetes_validate
import pytest
import yaml

from penstock.hosting.ports import free_port
from penstock.jetstream.connection import connect
from penstock.jetstream.streams import consumer_configs, declare
from penstock.local.nats_server import binary
from penstock.patterns.loading import called, load, steps_by_service
from penstock.settings import Settings, unknown_variables
from tests.support.repository import ROOT
from tests.support.servers import NatsServer
from tests.system.deploy.cluster import (
    KUBERNETES,
    PRODUCTION,
    Manifest,
    container,
    environment,
    of_kind,
    pods,
    rendered,
    triggers,
    with_step_pools,
)
from tests.system.deploy.custom_schemas import SCHEMAS

ASKING = {"classifier", "workers", "reviews"}
SERVICES = {"gateway", "aggregator", *ASKING}


@pytest.fixture(params=["base", "production", "step-pools"])
def manifests(request: pytest.FixtureRequest, tmp_path: Path) -> list[Manifest]:
    if request.param == "step-pools":
        return with_step_pools(tmp_path)
    return rendered(PRODUCTION if request.param == "production" else KUBERNETES / "base")


def test_each_manifest_fits_its_schema(manifests: list[Manifest]) -> None:
    """Kubernetes' own, its newest, which knows no other members; KEDA's and the operator's as far as they are used."""
    for one in manifests:
        if one["kind"] in SCHEMAS:
            jsonschema.validate(one, SCHEMAS[one["kind"]])
        else:
            kubernetes_validate.validate(one, kubernetes_validate.latest_version(), strict=True)


def test_ports_and_probes_are_those_of_the_services(manifests: list[Manifest]) -> None:
    """The port is the image's; what is alive and what is ready are two questions."""
    port = int(re.search(r"PENSTOCK_PORT=(\d+)", (ROOT / "deploy" / "Dockerfile").read_text())[1])  # type: ignore[index]
    for deployment in of_kind(manifests, "Deployment").values():
        only = container(deployment["spec"]["template"])
        assert [(one["name"], one["containerPort"]) for one in only["ports"]] == [("http", port)]
        asked = {probe: only[probe]["httpGet"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
        assert [one["path"] for one in asked.values()] == ["/livez", "/livez", "/readyz"]
        assert {one["port"] for one in asked.values()} == {"http"}
    (service,) = of_kind(manifests, "Service").values()
    assert service["spec"]["ports"][0]["targetPort"] == "http"
    for policy in of_kind(manifests, "NetworkPolicy").values():
        if policy["spec"]["podSelector"].get("matchLabels", {}).get("app.kubernetes.io/name") == "penstock":
            assert {one["port"] for rule in policy["spec"].get("ingress", ()) for one in rule["ports"]} <= {port}


def test_a_pod_has_longer_to_end_than_its_service_takes(manifests: list[Manifest]) -> None:
    """penstock.hosting.server waits for PENSTOCK_GRACE and 5 s; before that, what the preStop hook takes."""
    for name, pod in pods(manifests).items():
        if name != "streams":
            before = container(pod).get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
            takes = before + float(environment(pod, manifests)["PENSTOCK_GRACE"]) + 5
            assert takes + 5 <= pod["spec"]["terminationGracePeriodSeconds"] <= takes + 15, name


def test_each_variable_is_a_setting_with_a_value_that_fits(
    manifests: list[Manifest], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model's key is a file, and reaches those alone that ask the model."""
    for name, pod in pods(manifests).items():
        given = environment(pod, manifests)
        assert unknown_variables(given) == []
        with monkeypatch.context() as patch:
            for variable, value in given.items():
                patch.setenv(variable, value)
            settings = Settings()
        assert settings.grace == float(given["PENSTOCK_GRACE"])
        assert ("GEMINI_API_KEY_FILE" in given) == (name in ASKING)
        assert "GEMINI_API_KEY" not in given
        mounts = [mount["mountPath"] for mount in container(pod)["volumeMounts"]]
        if name in ASKING:
            assert str(Path(given["GEMINI_API_KEY_FILE"]).parent) in mounts


def test_each_pod_is_confined(manifests: list[Manifest]) -> None:
    """As the user of the image, without rights, a token, or a file system to write to; memory is bounded."""
    user = int(re.search(r"^USER (\d+)$", (ROOT / "deploy" / "Dockerfile").read_text(), re.MULTILINE)[1])  # type: ignore[index]
    for name, pod in pods(manifests).items():
        spec, only = pod["spec"], container(pod)
        assert spec["automountServiceAccountToken"] is False, name
        own = spec["securityContext"]
        assert (own["runAsNonRoot"], own["runAsUser"]) == (True, user)
        assert own["seccompProfile"] == {"type": "RuntimeDefault"}
        assert only["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"cpu", "memory"} <= only["resources"]["requests"].keys()
        assert "memory" in only["resources"]["limits"]
    assert len({container(pod)["image"] for pod in pods(manifests).values()}) == 1


def test_one_pod_of_each_service_may_go_at_a_time(manifests: list[Manifest]) -> None:
    """Each has a budget for its own pods, is spread, and no two deployments take each other's pods for theirs."""
    deployments, budgets = of_kind(manifests, "Deployment"), of_kind(manifests, "PodDisruptionBudget")
    assert budgets.keys() == deployments.keys() <= SERVICES
    for name, deployment in deployments.items():
        mine = deployment["spec"]["selector"]["matchLabels"].items()
        assert budgets[name]["spec"]["selector"]["matchLabels"].items() == mine
        taken = [other for other, pod in pods(manifests).items() if mine <= pod["metadata"]["labels"].items()]
        assert taken == [name]
        spread = deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
        assert [one["topologyKey"] for one in spread] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
        assert all(one["labelSelector"]["matchLabels"].items() <= mine for one in spread)


def test_every_step_has_a_pool(manifests: list[Manifest]) -> None:
    """Deployments without --steps execute all of their service; those with it execute them together, each once."""
    commands = [container(pod)["command"] for name, pod in pods(manifests).items() if name != "streams"]
    assert {tuple(command[:2]) for command in commands} == {("penstock", "serve")}
    assert {command[2] for command in commands} == {entry.name for entry in entry_points(group="penstock.services")}
    steps = steps_by_service(load(()))["workers"]
    pools = [command[4].split(",") for command in commands if command[3:4] == ["--steps"]]
    served = [kind for names in pools for name in names for kind in called(steps, name.strip())]
    assert sorted(served) == (sorted(steps) if pools else [])


def test_only_those_who_need_it_get_out(manifests: list[Manifest]) -> None:
    """NATS is reached by the services, the outside by whoever asks the model, and by aggregators for webhooks."""
    policies = of_kind(manifests, "NetworkPolicy")
    assert policies["nothing-else"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    outside = {
        name
        for name, policy in policies.items()
        for rule in policy["spec"].get("egress", ())
        if any("ipBlock" in peer for peer in rule.get("to", [{"ipBlock": {}}]))
    }
    assert outside - {"webhooks"} == {"model"}
    (whom,) = policies["model"]["spec"]["podSelector"]["matchExpressions"]
    assert set(whom["values"]) == {"classifier", "workers"}
    clients = [rule["from"] for rule in policies["nats"]["spec"]["ingress"] if rule["ports"][0]["port"] == 4222]
    assert clients == [[{"podSelector": {"matchLabels": {"app.kubernetes.io/name": "penstock"}}}]]


def test_what_is_scaled_by_is_there(manifests: list[Manifest]) -> None:
    """A consumer that there is not counts as all of its stream; a metric that there is not as nothing."""
    declared = {(stream, consumer.durable_name) for stream, consumer in consumer_configs(Settings(), load(()))}
    documented = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "metrics.md").read_text(), re.MULTILINE))
    ready = {"aggregator": Settings().runs, "classifier": Settings().slots, "workers": Settings().slots}
    for target, trigger in triggers(manifests, "nats-jetstream"):
        wanted = trigger["metadata"]
        assert (wanted["stream"], wanted["consumer"]) in declared
        # three quarters of what a replica does at once; the reviews of a job are in three consumers at once
        share = ready["workers"] / 3 if target == "reviews" else ready[target]
        assert int(wanted["lagThreshold"]) == share * 3 // 4
    for target, trigger in triggers(manifests, "prometheus"):
        query, kind = trigger["metadata"]["query"], trigger["metricType"]
        assert set(re.findall(r"penstock_\w+", query)) <= documented
        assert (kind == "Value") == ("oldest_seconds" in query)  # an age is not divided by replicas
        if kind == "AverageValue":
            assert int(trigger["metadata"]["threshold"]) == ready[target] * 3 // 4
    scaled = of_kind(manifests, "ScaledObject")
    assert all("replicas" not in of_kind(manifests, "Deployment")[name]["spec"] for name in scaled)


async def test_the_scaler_finds_its_consumers_where_it_looks(tmp_path: Path) -> None:
    """As KEDA asks a server's monitoring port, the account and each consumer are listed, with what it adds up."""
    monitor = free_port()
    async with NatsServer(tmp_path / "nats", "--http_port", str(monitor)) as nats:
        bus = await connect(Settings(nats_url=nats.url), "test")
        try:
            await declare(bus.jetstream, Settings())
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{monitor}", trust_env=False) as http:
                found = (await http.get("/jsz", params={"acc": "$G", "consumers": "true", "config": "true"})).json()
        finally:
            await bus.connection.close()
    listed = {
        (account["name"], stream["name"], consumer["name"]): consumer.keys() >= {"num_pending", "num_ack_pending"}
        for account in found["account_details"]
        for stream in account["stream_detail"]
        for consumer in stream.get("consumer_detail", ())
    }
    for _, trigger in triggers(rendered(PRODUCTION), "nats-jetstream"):
        wanted = trigger["metadata"]
        assert listed[wanted["account"], wanted["stream"], wanted["consumer"]]


def test_production_fits_together() -> None:
    """NATS's values, the proxy's and the settings."""
    manifests = rendered(PRODUCTION)
    given: dict[str, Any] = environment(pods(manifests)["gateway"], manifests)
    values = yaml.safe_load((PRODUCTION / "nats-values.yaml").read_text())
    cluster, store = values["config"]["cluster"], values["config"]["jetstream"]["fileStore"]
    assert int(given["PENSTOCK_STREAM_REPLICAS"]) == cluster["replicas"] == 3
    assert int(given["PENSTOCK_STORE_BYTES"]) < _bytes(store["maxSize"]) < _bytes(store["pvc"]["size"])
    single = (ROOT / "deploy" / "nats.conf").read_text()
    for name in ("max_payload", "max_pending"):
        assert f"{name}: {values['config']['merge'][name].strip('<> ')}" in single
    assert f'sync_interval: "{values["config"]["jetstream"]["merge"]["sync_interval"]}"' in single
    assert f"nats:{values['container']['image']['tag']}" in (ROOT / "docker-compose.yml").read_text()
    told = of_kind(manifests, "Ingress")["gateway"]["metadata"]["annotations"]
    said = {name.rpartition("/")[2]: value for name, value in told.items()}
    assert said["proxy-buffering"] == "off"
    assert _bytes(said["proxy-body-size"]) == Settings().max_body
    assert int(said["proxy-read-timeout"]) > Settings().deadline
    assert float(given["PENSTOCK_IDLE_TIMEOUT"]) > 60
    assert of_kind(manifests, "PodMonitor").keys() == {"services", "gateway"}


def test_nats_takes_what_the_chart_makes_of_the_values(tmp_path: Path) -> None:
    """A server reads them; what is between << and >> the chart writes without quotes, for NATS to read."""
    config = yaml.safe_load((PRODUCTION / "nats-values.yaml").read_text())["config"]
    whole = {**config["merge"], "jetstream": {**config["jetstream"]["merge"], "store_dir": str(tmp_path)}}
    file = tmp_path / "nats.conf"
    file.write_text(re.sub(r'"<< (.*?) >>"', r"\1", json.dumps(whole)))
    token = {"PENSTOCK_NATS_TOKEN": "t0123"}
    read = subprocess.run([binary(), "-t", "-c", str(file)], env=token, capture_output=True, text=True)
    assert read.returncode == 0, read.stderr
    unset = subprocess.run([binary(), "-t", "-c", str(file)], env={}, capture_output=True, text=True)
    assert "PENSTOCK_NATS_TOKEN" in unset.stderr  # nobody is let in without one


def _bytes(size: str) -> int:
    units = {"m": 2, "Mi": 2, "Gi": 3}
    number, unit = re.fullmatch(r"(\d+)(\w+)", size).groups()  # type: ignore[union-attr]
    return int(number) * int(1024 ** units[unit])

"""docker-compose.yml and what is put beside it: what the files say is what the format knows, and fits together."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from penstock.settings import PREFIX, Settings
from tests.support.repository import ROOT
from tests.system.deploy.custom_schemas import COUNT, TEXT, Schema, closed, some

BASE, WATCH, PROXY = (f"docker-compose{part}.yml" for part in ("", ".watch", ".proxy"))
_TEXTS = some(TEXT)
_NAMES: Schema = {"type": "array", "items": TEXT}
_MAP: Schema = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean", "null"]}}
_CHECK = closed(
    {}, test=_TEXTS, interval=TEXT, timeout=TEXT, retries=COUNT, start_period=TEXT, disable={"type": "boolean"}
)
_AFTER = closed({"condition": {"enum": ["service_started", "service_healthy", "service_completed_successfully"]}})
_SERVICE = closed(
    {},
    image=TEXT,
    build=closed({"context": TEXT, "dockerfile": TEXT}),
    command={"anyOf": [TEXT, _TEXTS]},
    environment=_MAP,
    networks=_TEXTS,
    volumes=_TEXTS,
    ports=_NAMES,
    secrets=_TEXTS,
    tmpfs=_TEXTS,
    restart={"enum": ["no", "always", "on-failure", "unless-stopped"]},
    read_only={"type": "boolean"},
    cap_drop=_TEXTS,
    security_opt=_TEXTS,
    mem_limit=TEXT,
    pids_limit=COUNT,
    stop_grace_period=TEXT,
    healthcheck=_CHECK,
    depends_on={"type": "object", "additionalProperties": _AFTER},
)
_ADDRESSES = closed({"config": some(closed({"subnet": TEXT}))})
_NETWORK = closed({}, internal={"type": "boolean"}, ipam=_ADDRESSES)
#: No more of https://github.com/compose-spec/compose-spec/blob/main/schema/compose-spec.json than is used here.
_FILE: Schema = {
    "type": "object",
    "properties": {
        "services": {"type": "object", "additionalProperties": _SERVICE},
        "networks": {"type": "object", "additionalProperties": _NETWORK},
        "volumes": {"type": "object", "additionalProperties": closed({})},
        "secrets": {"type": "object", "additionalProperties": closed({"file": TEXT})},
    },
    "patternProperties": {"^x-": {}},
    "additionalProperties": False,
    "required": ["services"],
}


class _Loader(yaml.SafeLoader):
    """Knows what takes a list of the file before away, rather than to add to it."""


def _empty(loader: yaml.SafeLoader, node: yaml.SequenceNode) -> list[Any]:
    return loader.construct_sequence(node)


_Loader.add_constructor("!reset", _empty)


def read(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load((ROOT / name).read_text(), _Loader)  # a SafeLoader
    return loaded


def together(*names: str) -> dict[str, Any]:
    """The files as compose puts them together: of what is a mapping in two, the members of both."""
    whole: dict[str, Any] = {"services": {}, "networks": {}, "volumes": {}}
    for name in names:
        for kind in whole:
            for one, said in (read(name).get(kind) or {}).items():
                known = whole[kind].setdefault(one, {})
                for key, value in (said or {}).items():
                    known[key] = {**known.get(key, {}), **value} if isinstance(value, dict) else value
    return whole


@pytest.mark.parametrize("name", [BASE, WATCH, PROXY])
def test_each_file_says_what_the_format_knows(name: str) -> None:
    jsonschema.validate(read(name), _FILE)


@pytest.mark.parametrize("names", [(BASE,), (BASE, WATCH), (BASE, PROXY), (BASE, WATCH, PROXY)])
def test_what_is_named_is_there_and_confined(names: tuple[str, ...]) -> None:
    whole = together(*names)
    mounted = [volume for service in whole["services"].values() for volume in service.get("volumes", ())]
    for name, service in whole["services"].items():
        assert set(service["networks"]) <= set(whole["networks"]), name
        assert set(service.get("depends_on", ())) <= set(whole["services"]), name
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["mem_limit"], name
        for port in service.get("ports", ()):
            assert port.startswith(("127.0.0.1:", "${PENSTOCK_PUBLISH:-127.0.0.1}:")), name
        for variable in service.get("environment") or ():
            setting = variable.removeprefix(PREFIX).lower().removesuffix("_file")
            known = setting in Settings.model_fields or variable.startswith(("OTEL_", "GF_", "GEMINI_API_KEY"))
            assert known or variable == "PENSTOCK_PUBLISH", (name, variable)
    for source in (volume.partition(":")[0] for volume in mounted):
        assert source in whole["volumes"] or (source.startswith("./") and (ROOT / source).exists()), source


def test_with_the_proxy_no_gateway_is_published_and_its_address_is_trusted() -> None:
    services, networks = (together(BASE, PROXY)[kind] for kind in ("services", "networks"))
    assert (services["gateway"]["ports"], len(services["proxy"]["ports"])) == ([], 1)
    (subnet,) = (one["subnet"] for one in networks["outside"]["ipam"]["config"])
    assert services["gateway"]["environment"]["PENSTOCK_TRUSTED_PROXIES"] == subnet
    assert services["proxy"]["networks"] == ["outside"]
    assert "server gateway:8080 " in (ROOT / "deploy/nginx.conf").read_text()


def test_grafana_and_prometheus_find_each_other_and_what_they_show() -> None:
    services = together(BASE, WATCH)["services"]
    sources = yaml.safe_load((ROOT / "deploy/grafana/provisioning/datasources/prometheus.yml").read_text())
    for source in sources["datasources"]:
        assert source["url"].removeprefix("http://").partition(":")[0] in services
    (provider,) = yaml.safe_load((ROOT / "deploy/grafana/provisioning/dashboards/penstock.yml").read_text())[
        "providers"
    ]
    places = {target: source for source, target, *_ in (one.split(":") for one in services["grafana"]["volumes"])}
    assert sorted(path.name for path in Path(ROOT, places[provider["options"]["path"]]).glob("*.json")) == [
        "callers.json",
        "cost.json",
        "fleet.json",
    ]
    for scraped in read("deploy/prometheus/prometheus.yml")["scrape_configs"]:
        names = [name for one in scraped.get("dns_sd_configs", ()) for name in one["names"]]
        names += [target.partition(":")[0] for one in scraped.get("static_configs", ()) for target in one["targets"]]
        assert set(names) <= set(services), scraped["job_name"]
    traced = {name for name, one in services.items() if "OTEL_EXPORTER_OTLP_ENDPOINT" in (one.get("environment") or ())}
    assert traced == {"aggregator", "classifier", "workers", "gateway"}

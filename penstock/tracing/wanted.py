"""Whether the environment asks for traces, by OpenTelemetry's own variables."""

from collections.abc import Mapping

from penstock.errors import Misconfigured
from penstock.installed import require

_EXPORTER = "OTEL_TRACES_EXPORTER"
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_PROTOCOL = "http/protobuf"


def wanted(environment: Mapping[str, str]) -> bool:
    """Whether it names an endpoint, or the exporter `otlp`, and does not say that nothing is to be traced.

    Raises Misconfigured for another exporter or protocol than there is, and where `penstock[traces]` is not installed.
    """
    exporter = environment.get(_EXPORTER, "").strip()
    given = exporter or ("otlp" if any(environment.get(name) for name in _ENDPOINTS) else "none")
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true" or given == "none":
        return False
    if given != "otlp":
        raise Misconfigured(f"{_EXPORTER}={given[:100]}: traces go to otlp or none")
    for name in _PROTOCOLS:
        if protocol := environment.get(name):
            if protocol != _PROTOCOL:
                raise Misconfigured(f"{name}={protocol[:100]}: traces are sent as {_PROTOCOL} only")
            break
    require("traces")
    return True

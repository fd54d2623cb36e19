"""Whether there are traces is said by OpenTelemetry's own variables; what cannot be is said in one sentence."""

import subprocess
import sys

import pytest

from penstock.errors import Misconfigured
from penstock.tracing.wanted import wanted

AT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}


@pytest.mark.parametrize(
    ("variables", "on"),
    [
        ({}, False),
        (AT, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        (AT | {"OTEL_TRACES_EXPORTER": "none"}, False),
        (AT | {"OTEL_SDK_DISABLED": "TRUE"}, False),
        (AT | {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, True),
        (AT | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"}, True),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, False),
    ],
)
def test_they_are_off_unless_they_are_asked_for(variables: dict[str, str], on: bool) -> None:
    assert wanted(variables) is on


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER=zipkin: traces go to otlp or none"),
        (
            AT | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "OTEL_EXPORTER_OTLP_PROTOCOL=grpc: traces are sent as http/protobuf",
        ),
    ],
)
def test_what_there_is_not_is_named(variables: dict[str, str], said: str) -> None:
    with pytest.raises(Misconfigured, match=said):
        wanted(variables)


def test_what_is_missing_is_said_with_the_extra_that_brings_it() -> None:
    """In an environment without OpenTelemetry, which is not looked for where nothing is traced."""
    code = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from penstock import tracing; tracing.configure('gateway'); tracing.begin('x').end()\n"
        "import os; os.environ['OTEL_TRACES_EXPORTER'] = 'otlp'; tracing.configure('gateway')"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    said = 'is not installed: pip install "penstock[traces]"'
    assert ended.stderr.splitlines()[-1].startswith("penstock.errors.Misconfigured: opentelemetry.")
    assert ended.stderr.rstrip().endswith(said)

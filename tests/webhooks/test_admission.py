"""A webhook that could not be delivered is refused with the request, not found out at the job's end."""

from typing import Any

import pytest
from pydantic import ValidationError

from penstock.contracts.options import Options, PatternRequest
from penstock.errors import InvalidRequest, Misconfigured
from penstock.settings import Settings
from penstock.webhooks.admission import check_webhook
from tests.support.pipeline import Pipeline
from tests.webhooks.conftest import SECRET

POINTER = "/options/webhook"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://hooks.example/",
        "//hooks.example/",
        "https:///path",
        "https://user@hooks.example/",
        "https://user:password@hooks.example/",
        "https://hooks.example/#part",
        "https://hooks.example/a b",
        "https://hooks.example/\r\nX-Injected: 1",
        "https://hooks.example:99999/",
        "https://hooks.example/" + "x" * 2048,
    ],
)
def test_what_nobody_would_call_does_not_fit_the_contract(url: str) -> None:
    with pytest.raises(ValidationError):
        Options(webhook=url)


@pytest.mark.parametrize(
    ("url", "changed"),
    [
        ("https://hooks.example/", {"webhook_secret": None}),
        ("http://hooks.example/", {}),
        ("https://127.0.0.1/", {}),
        ("https://[::1]/", {}),
        ("https://[::ffff:10.0.0.1]/", {}),
        ("https://169.254.169.254/latest/meta-data/", {}),
        ("http://10.1.2.3/", {"webhook_allowed_networks": "10.0.0.0/8"}),
        ("https://xn--a/x", {}),
        ("https://hooks..example/", {}),
        (f"https://{'a' * 64}.example/", {}),
        ("http://receiver.internal:6379/", {"webhook_allowed_hosts": "receiver.internal"}),
        ("https://10.1.2.3:6379/", {"webhook_allowed_hosts": "10.1.2.3:8443"}),
    ],
)
def test_what_this_deployment_does_not_call_is_an_invalid_request(url: str, changed: dict[str, Any]) -> None:
    settings = Settings(**{"webhook_secret": SECRET} | changed)
    with pytest.raises(InvalidRequest) as refused:
        check_webhook(PatternRequest(options=Options(webhook=url)), settings)
    assert [error.pointer for error in refused.value.errors] == [POINTER]


@pytest.mark.parametrize(
    ("url", "changed"),
    [
        ("https://hooks.example/path?query=1", {}),
        ("https://bücher.example/", {}),
        ("https://10.1.2.3/", {"webhook_allowed_networks": "10.0.0.0/8,fd00::/8"}),
        ("http://Receiver.internal:8080/", {"webhook_allowed_hosts": "receiver.INTERNAL:8080"}),
    ],
)
def test_the_rest_is_admitted(url: str, changed: dict[str, Any]) -> None:
    request = PatternRequest(options=Options(webhook=url))
    check_webhook(request, Settings(**{"webhook_secret": SECRET} | changed))


async def test_a_nats_caller_is_refused_as_well(pipeline: Pipeline) -> None:
    """Whoever publishes the job message learns it from the job's end."""
    body = {"query": "Who pays for this?", "options": {"webhook": "https://192.168.0.1/hook"}}
    failed = await pipeline.failure(await pipeline.submit("routing", body))
    assert failed.problem.code == "invalid_request"
    assert failed.problem.errors is not None
    assert [error.pointer for error in failed.problem.errors] == [POINTER]


@pytest.mark.parametrize("secret", ["hunter2", "whsec_", "whsec_c2hvcnQ=", "whsec_!!!", SECRET.removeprefix("whsec_")])
def test_a_malformed_secret_stops_the_service_without_being_shown(secret: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        Settings(webhook_secret=secret)
    assert "24 to 64 bytes" in str(refused.value)
    assert secret == "whsec_" or secret not in str(refused.value)

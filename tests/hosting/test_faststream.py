"""What we take of FastStream beyond its public interface is there."""

from importlib.metadata import version
from pathlib import Path

import pytest
from faststream.nats import NatsBroker
from faststream.nats.subscriber.usecases.stream_basic import StreamSubscriber

import penstock

ADVICE = """
FastStream has changed beneath penstock/hosting/subscriber.py (docs/adr/0004): it puts a subscriber together from parts
that are not public. Compare `PullSubscriber` with its StreamSubscriber, and its constructor with create_subscriber in
faststream.nats.subscriber.factory, in the version that is installed; run tests/jetstream and tests/hosting; then raise
the range in pyproject.toml and the version here.
"""


def test_the_version_is_one_that_was_tried() -> None:
    assert version("faststream").startswith("0.7."), ADVICE


def test_the_parts_are_there() -> None:
    try:
        from penstock.hosting import subscriber
    except ImportError as missing:
        pytest.fail(f"{missing}\n{ADVICE}")
    assert callable(getattr(vars(subscriber)["Registrator"], "subscriber", None)), ADVICE
    for method in ("_create_subscription", "consume", "stop", "start"):
        assert callable(getattr(StreamSubscriber, method, None)), f"StreamSubscriber.{method}\n{ADVICE}"
    broker = NatsBroker()
    assert hasattr(broker, "_connection"), f"penstock/hosting/broker.py sets it\n{ADVICE}"
    assert callable(broker.config.disconnect), f"penstock/hosting/broker.py calls it\n{ADVICE}"


def test_no_other_module_imports_what_is_internal() -> None:
    """So that one file is to be looked at when FastStream changes."""
    root = Path(penstock.__file__).parents[1]
    sources = [*(root / "penstock").rglob("*.py"), *(root / "services").rglob("*.py")]
    users = [path.name for path in sources if "faststream._internal" in path.read_text(encoding="utf-8")]
    assert users == ["subscriber.py"]

"""The system that is fuzzed, shared by the tests of this folder."""

from collections.abc import Iterator

import pytest

from penstock.testing.threads import in_thread
from tests.fuzz.fuzzed_system import FuzzedSystem, fuzzed_system


@pytest.fixture(scope="package")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FuzzedSystem]:
    """Each pattern has run once, so that there are valid replies of its steps."""
    with in_thread(fuzzed_system(tmp_path_factory.mktemp("fuzz"))) as system:
        system.wait(system.works())
        yield system

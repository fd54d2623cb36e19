"""One running system for the commands that only talk to it."""

from collections.abc import Iterator

import pytest

from tests.support.simulator import BlockingSteering
from tests.system.cli.system import System


@pytest.fixture(scope="package")
def shared_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with System(tmp_path_factory.mktemp("up") / "data") as system:
        yield system


@pytest.fixture
def system(shared_system: System) -> Iterator[System]:
    yield shared_system
    BlockingSteering(shared_system.simulator_url).clear()


@pytest.fixture
def steering(system: System) -> BlockingSteering:
    return BlockingSteering(system.simulator_url)

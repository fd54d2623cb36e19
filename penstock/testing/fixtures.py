"""A pytest plugin: the whole system, with simulated answers, once a session.

In a conftest.py: `pytest_plugins = ["penstock.testing.fixtures"]`. It takes `pip install "penstock[all]"`, and starts
nothing for tests that do not ask for it.

    def test_it_is_judged(penstock_system):
        penstock_system.simulator.answer("judge", {"winner": "pro", "reasoning": "So.", "openQuestions": []})
        assert penstock_system.client.run("debate", {"motion": "x"})["verdict"]["winner"] == "pro"
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pytest

from penstock.errors import Misconfigured

if TYPE_CHECKING:
    from penstock.testing.system import System


@pytest.fixture(scope="session")
def penstock_patterns(pytestconfig: pytest.Config) -> Sequence[str]:
    """What is loaded beside Penstock's own, as in PENSTOCK_PATTERNS; by default what `penstock up` would load.

    That is PENSTOCK_PATTERNS, else what pytest's root folder has. A fixture of this name in a project says otherwise.
    """
    from penstock.local.project import found
    from penstock.settings import Settings

    return Settings().patterns or found(pytestconfig.rootpath)


@pytest.fixture(scope="session")
def _penstock_running(tmp_path_factory: pytest.TempPathFactory, penstock_patterns: Sequence[str]) -> "Iterator[System]":
    from penstock.installed import require

    try:
        require("all")
        from penstock.testing.system import running

        with running(penstock_patterns, tmp_path_factory.mktemp("penstock")) as system:
            yield system
    except Misconfigured as error:  # before it runs: what is missing, or wrong with the patterns
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def penstock_system(_penstock_running: "System") -> "Iterator[System]":
    """The system: `url`, `client`, `simulator`, `logs`. After the test the simulator forgets its rules and calls."""
    yield _penstock_running
    _penstock_running.simulator.clear()

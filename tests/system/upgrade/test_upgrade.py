"""Two releases at once: replicas are exchanged while jobs run and are followed, forwards and back."""

import asyncio
from pathlib import Path

import pytest

from tests.system.upgrade import releases
from tests.system.upgrade.releases import TODAY, Release
from tests.system.upgrade.rollout import KINDS, Rollout

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

#: The release before. Nothing has been published, so it is an old one that fits, from before streams said who had
#: declared them and LIMITS was republished. Before 80c0ebc a message had one event, and more of it are not read; before
#: d018d44 what jobs spend was counted in another stream, so that their budgets would be two.
COMMIT = "e444809"


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """By its wheel."""
    return releases.before(COMMIT, tmp_path_factory.mktemp("before"))


async def exchange(rollout: Rollout, first: Release, second: Release) -> None:
    """Replicas of `first` by those of `second`, one by one, all by SIGTERM but for one. The streams are declared.

    Jobs are in the middle all the while: of `first` alone, of both, of `second` alone.
    """
    gateway = await rollout.gateway(first, 0)
    aggregator, classifier, worker = await rollout.serve(first, *KINDS)
    await rollout.held("first")
    (other,) = await rollout.serve(first, "workers")
    await rollout.declare(TODAY)
    await rollout.serve(second, *KINDS)
    await rollout.gateway(second, 1)
    await rollout.held("both")
    await rollout.kill(worker)
    await rollout.end([aggregator])
    # these have model calls under way, which they finish
    finishing = asyncio.create_task(rollout.end([classifier, other]))
    for name in ("first", "both"):
        await rollout.gemini.release(name)
    await finishing
    await rollout.held("second")
    await rollout.end([gateway])
    await rollout.gateway(second, 0)
    await rollout.gemini.release("second")
    await rollout.all_end_well()


async def test_a_release_takes_the_place_of_the_one_before(rollout: Rollout, before: Release) -> None:
    """The streams are brought up to date beneath the old replicas, which go on."""
    await rollout.declare(before)
    status, said = await rollout.command(TODAY, "streams", "--plan")
    assert (status, "LOSES DATA" in said) == (3, False), said
    await exchange(rollout, before, TODAY)
    assert await rollout.releases() == {TODAY.name}


async def test_the_release_before_takes_its_place_again(rollout: Rollout, before: Release) -> None:
    """On the streams of the newer one, as they are."""
    await rollout.declare(TODAY)
    await exchange(rollout, TODAY, before)
    assert await rollout.releases() == {before.name}


async def test_its_declaration_is_refused(rollout: Rollout, tmp_path: Path) -> None:
    """Declared as this release does, the streams would lose what a newer one needs."""
    await rollout.declare(releases.after(tmp_path, {}))
    status, said = await rollout.command(TODAY, "streams")
    assert (status, f"was declared by Penstock {releases.AFTER}" in said) == (1, True), said

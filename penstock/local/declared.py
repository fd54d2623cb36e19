"""What `penstock up` has to start for the patterns that there are; their streams are declared with it.

As a program it says so of the files as they are now: a process that has imported a pattern does not see it change.
"""

import asyncio
import os
import sys
from functools import partial

from pydantic import BaseModel

from penstock.client.over_nats import NatsClient
from penstock.errors import PenstockError
from penstock.jetstream.plan import Planned
from penstock.jetstream.streams import declare, plan
from penstock.llm.limits import permits
from penstock.patterns.loading import files, load, steps_by_service
from penstock.settings import Settings

#: Seconds that NATS may take until it answers.
PATIENCE = 30.0


class Declared(BaseModel):
    """`services`: those that execute steps, and whether they ask a model. `own`: the patterns that are not Penstock's,
    each with the file that has it.
    """

    services: dict[str, bool]
    own: dict[str, str]


async def declare_streams(settings: Settings, *, allow_data_loss: bool = False) -> list[Planned]:
    """Declare the streams, consumers and permits of models, waiting for a server that has only just been started.

    Raises Unreachable, and Misconfigured as `declare` does.
    """
    async with NatsClient(settings, patience=PATIENCE) as client:
        declaring = partial(declare, client.bus.jetstream, settings, allow_data_loss=allow_data_loss)
        planned = await client.bus.retrying("declare the streams", declaring)
        for model, count in settings.permits.items():
            await permits.declare(client.bus, model, count, settings.ack_wait)
        return planned


async def plan_streams(settings: Settings) -> list[Planned]:
    """What that would change. Raises Unreachable."""
    async with NatsClient(settings, patience=PATIENCE) as client:
        return await client.bus.retrying("look at the streams", partial(plan, client.bus.jetstream, settings))


async def declared(settings: Settings) -> Declared:
    """Raises Misconfigured for patterns that cannot be loaded, Unreachable."""
    patterns = load(settings.patterns)
    # a folder of one's own: who changes a setting of `penstock up` could not run `penstock streams` before it
    await declare_streams(settings, allow_data_loss=True)
    table = steps_by_service(patterns)
    return Declared(
        services={name: any(step.asks for _, step in steps.values()) for name, steps in table.items()},
        own={name: str(file) for name, file in files(settings.patterns).items()},
    )


if __name__ == "__main__":
    answer = os.dup(1)
    os.dup2(2, 1)  # what a pattern prints when it is imported is no part of it
    try:
        os.write(answer, asyncio.run(declared(Settings())).model_dump_json().encode())
    except PenstockError as error:
        sys.exit(str(error))

"""`/fleet`: who is there, and what waits."""

from fastapi import FastAPI

from penstock.contracts.fleet import Fleet
from penstock.fleet.gathering import gathered
from penstock_gateway import openapi
from penstock_gateway.state import Gateway
from penstock_gateway.tenancy import FOR_ADMINS


def install(app: FastAPI, gateway: Gateway) -> None:
    @app.get(
        "/fleet",
        tags=["operations"],
        summary="Processes and queues",
        operation_id="fleet",
        responses=openapi.problems(),
        dependencies=[FOR_ADMINS],
    )
    async def fleet() -> Fleet:
        """Every process that answers within a few hundred milliseconds, what waits, and how models stand.

        Nothing of it is stored: one that was killed is not in the next answer. For an admin's key, where there are any.
        """
        async with gateway.listing:
            return await gathered(gateway.bus)

"""`/jobs/<id>/timeline`: when what of a job happened."""

from fastapi import FastAPI

from penstock import jobs
from penstock.contracts.timeline import JobTimeline
from penstock.jobs.refusals import known
from penstock_gateway import openapi
from penstock_gateway.state import Gateway
from penstock_gateway.tenancy import Job


def install(app: FastAPI, gateway: Gateway) -> None:
    @app.get(
        "/jobs/{job}/timeline",
        tags=["jobs"],
        summary="Timeline of a job",
        operation_id="timeline",
        responses=openapi.problems("unknown_job"),
    )
    async def shown(job: Job) -> JobTimeline:
        """When each step was dispatched, and each attempt at it began, wrote its first piece and ended, and how."""
        state = known(job.id, await jobs.look_up(gateway.bus, job))
        async with gateway.listing:
            return await jobs.timeline(gateway.bus, job, state)

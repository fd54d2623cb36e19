"""Whose jobs a request is about."""

from typing import Annotated

from fastapi import Depends, Path

from penstock.contracts.wire import DEFAULT_TENANT, JobName


async def _tenant() -> str:
    return DEFAULT_TENANT


OwnTenant = Annotated[str, Depends(_tenant)]


async def _job(tenant: OwnTenant, job: Annotated[str, Path(description="The job's id.")]) -> JobName:
    """The job of the path, as the caller's tenant has it: there need not be one."""
    return JobName(tenant, job)


Job = Annotated[JobName, Depends(_job)]

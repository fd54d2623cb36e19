"""Whose jobs a request is about: the caller's tenant's. An admin's key sees those of all."""

from typing import Annotated

from fastapi import Depends, Path, Query, Request

from penstock import jobs
from penstock.contracts.wire import TENANT_PATTERN, JobName
from penstock.errors import Refused
from penstock_gateway.authentication import Asking
from penstock_gateway.state import Gateway


async def _own(caller: Asking) -> str:
    return caller.tenant


async def _seen(
    caller: Asking,
    tenant: Annotated[
        str | None, Query(pattern=TENANT_PATTERN, description="Whose jobs; any but one's own takes an admin's key.")
    ] = None,
) -> str | None:
    """The tenant whose jobs are asked for; None for those of all. Raises Refused, 403, whether there is one or not."""
    if tenant is None:
        return None if caller.admin else caller.tenant
    if not caller.admin and tenant != caller.tenant:
        raise Refused("forbidden", "the jobs of another tenant take an admin's key")
    return tenant


async def _admin(caller: Asking) -> None:
    """Raises Refused, 403. Who needs no key at all may do what an admin may."""
    if caller.key is not None and not caller.admin:
        raise Refused("forbidden", "what is of all tenants takes an admin's key")


#: A dependency of what shows, or changes, what is of all tenants.
FOR_ADMINS = Depends(_admin)
#: Where jobs are submitted, and chats are remembered.
OwnTenant = Annotated[str, Depends(_own)]
SeenTenant = Annotated[str | None, Depends(_seen)]


async def _job(
    request: Request, caller: Asking, tenant: SeenTenant, job: Annotated[str, Path(description="The job's id.")]
) -> JobName:
    """The job of the path, as the tenant has it: there need not be one."""
    if tenant is None:
        gateway: Gateway = request.app.state.gateway
        tenant = await jobs.tenant_of(gateway.bus, job)
    return JobName(tenant or caller.tenant, job)


Job = Annotated[JobName, Depends(_job)]

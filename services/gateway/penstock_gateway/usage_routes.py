"""`/usage`: what was used, and what it cost."""

import asyncio
from contextlib import suppress
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Query, Request
from fastapi.responses import Response

from penstock.contracts.problem import FieldError
from penstock.contracts.usage import UsageReport
from penstock.usage import Folding, as_csv, columns, days, report
from penstock_gateway import openapi
from penstock_gateway.parameters import prefers
from penstock_gateway.problems import invalid_parameter
from penstock_gateway.state import Gateway
from penstock_gateway.tenancy import SeenTenant

#: Seconds in which what is new is added before the answer; what takes longer is in a later one.
_PATIENCE = 2.0


def install(app: FastAPI, gateway: Gateway) -> None:
    described = openapi.problems()
    described[200] = {"description": "In rows, and all together.", "content": {"text/csv": {}}, "model": UsageReport}
    about: dict[str, Any] = {"tags": ["usage"], "summary": "Usage and cost", "operation_id": "usage"}

    @app.get("/usage", response_model=UsageReport, responses=described, **about)
    async def usage(
        request: Request,
        tenant: SeenTenant,
        first: Annotated[
            date | None, Query(alias="from", description="The first day (UTC); 30 days before the last.")
        ] = None,
        last: Annotated[date | None, Query(alias="to", description="The last day, which is included; today.")] = None,
        by: Annotated[str, Query(description="A row for each day, tenant, pattern, step, model: several of them.")] = (
            "day"
        ),
        format: Annotated[
            Literal["json", "csv"] | None, Query(description="The format, where `Accept` cannot say it.")
        ] = None,
    ) -> UsageReport | Response:
        """Tokens as the model reported them, and US dollars at the list prices of the time they were used.

        `wasted` is what of it nothing came of: attempts that failed, that were tried again, or cut off.
        """
        try:
            wanted = columns(by)
        except ValueError as error:
            raise invalid_parameter(FieldError(pointer="/query/by", detail=str(error))) from error
        try:
            first, last = days(first, last)
        except ValueError as error:
            raise invalid_parameter(FieldError(pointer="/query/from", detail=str(error))) from error
        async with gateway.listing:
            with suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE):
                    await Folding(gateway.bus).fold()
            found = await report(gateway.bus, first, last, wanted, tenant=tenant or "*")
        if format == "csv" or (format is None and prefers(request, "text/csv")):
            named = {"Content-Disposition": f'attachment; filename="usage-{first}-{last}.csv"'}
            return Response(as_csv(found, wanted), media_type="text/csv", headers=named)
        return found

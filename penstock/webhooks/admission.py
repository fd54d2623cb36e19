"""Whether a request's webhook can be delivered to at all: checked before the job runs, not when it has ended."""

from ipaddress import ip_address

import httpx

from penstock.contracts.options import PatternRequest
from penstock.contracts.problem import FieldError
from penstock.errors import InvalidRequest
from penstock.settings import Webhooks
from penstock.webhooks.addresses import allowed, permitted

_POINTER = "/options/webhook"


def check_webhook(request: PatternRequest, settings: Webhooks) -> None:
    """Raises InvalidRequest naming /options/webhook where this deployment cannot deliver to it.

    Names are not resolved here: where they lead may change until the job has ended, and is checked then.
    """
    if request.options.webhook is None:
        return
    if settings.webhook_secret is None:
        raise _refused("webhooks are not configured here: PENSTOCK_WEBHOOK_SECRET is not set")
    try:
        url = httpx.URL(request.options.webhook)
        host = url.raw_host.decode("ascii").lower()
        host.encode("idna")  # as the resolver spells it
        _ = url.host  # and httpx: each refuses what the other may take
    except (httpx.InvalidURL, ValueError):
        raise _refused("no URL that could be called") from None
    port = url.port or (443 if url.scheme == "https" else 80)
    if url.scheme != "https" and not allowed(host, port, settings):
        raise _refused("https is needed, except for the hosts and ports in PENSTOCK_WEBHOOK_ALLOWED_HOSTS")
    try:
        address = ip_address(host)
    except ValueError:
        return
    if not permitted(host, port, address, settings):
        raise _refused("this address may not be reached by webhooks")


def _refused(why: str) -> InvalidRequest:
    return InvalidRequest(f"{_POINTER}: {why}", (FieldError(pointer=_POINTER, detail=why),))

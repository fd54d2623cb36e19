"""Whether a request's webhook can be delivered to at all: checked before the job runs, not when it has ended."""

from ipaddress import ip_address

from penstock.contracts.options import PatternRequest
from penstock.contracts.problem import FieldError
from penstock.errors import InvalidRequest, Misconfigured
from penstock.settings import Settings, Webhooks
from penstock.webhooks.addresses import allowed, permitted

_POINTER = "/options/webhook"


def check_webhook(request: PatternRequest, settings: Webhooks) -> None:
    """Raises InvalidRequest naming /options/webhook where this deployment cannot deliver to it."""
    if request.options.webhook is not None and (why := _trouble(request.options.webhook, settings)):
        raise InvalidRequest(f"{_POINTER}: {why}", (FieldError(pointer=_POINTER, detail=why),))


def check_budget_webhook(settings: Settings) -> None:
    """Raises Misconfigured where a service with these settings cannot deliver warnings of budgets."""
    if settings.budget_webhook is not None and (why := _trouble(settings.budget_webhook, settings)):
        raise Misconfigured(f"PENSTOCK_BUDGET_WEBHOOK: {why}")


def _trouble(webhook: str, settings: Webhooks) -> str | None:
    """Why it cannot be delivered to, if that can be known.

    Names are not resolved here: where they lead may change until something is delivered, and is checked then.
    """
    if settings.webhook_secret is None and settings.webhook_secret_file is None:
        return "webhooks are not configured here: PENSTOCK_WEBHOOK_SECRET is not set"
    from httpx2 import URL, InvalidURL  # services have it; a client that checks no webhook does without

    try:
        url = URL(webhook)
        host = url.raw_host.decode("ascii").lower()
        host.encode("idna")  # as the resolver spells it
        host.encode("ascii").decode("idna")  # a name in its spelling may stand for none
    except (InvalidURL, ValueError):
        return "no URL that could be called"
    port = url.port or (443 if url.scheme == "https" else 80)
    if url.scheme != "https" and not allowed(host, port, settings):
        return "https is needed, except for the hosts and ports in PENSTOCK_WEBHOOK_ALLOWED_HOSTS"
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return None if permitted(host, port, address, settings) else "this address may not be reached by webhooks"

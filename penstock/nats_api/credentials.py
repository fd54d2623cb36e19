"""Credentials of a tenant's callers over NATS, as the server's configuration has them.

A tenant is an account of the server. Permissions within the fleet's own account would not do: the server looks at the
subject that a caller publishes to and not at the reply subject that the caller names, so an answer, an acknowledgement
or a message read by direct get could be led to any subject, such as another tenant's journal. Into and out of an
account goes only what it imports, and answers come back to the account that asked.
"""

import secrets
from collections.abc import Iterable
from typing import NamedTuple

from penstock.contracts.wire import JobName
from penstock.jetstream import subjects
from penstock.jetstream.partitions import Partitions, stream_of
from penstock.nats_api.channels import endpoints

#: The account of the fleet, as docs/nats-api.md configures it.
FLEET = "PENSTOCK"
#: Where callers' clients expect answers, unless they are told otherwise: in their own account.
_INBOX = "_INBOX.>"


class Credentials(NamedTuple):
    """Of one caller: `password` has 256 random bits."""

    tenant: str
    user: str
    password: str


def make(tenant: str) -> Credentials:
    """Credentials that nobody has."""
    return Credentials(tenant, f"{tenant}-{secrets.token_hex(4)}", secrets.token_hex(32))


def may_publish(tenant: str, partitions: Partitions) -> list[str]:
    """Jobs, requests to the fleet, and, by direct get, the last of the tenant's facts on a subject: it takes no body
    that asks for others."""
    jobs, facts = subjects.job("*", JobName(tenant, "*")), partitions.each(subjects.journal(JobName(tenant, "*"), ">"))
    requests = [channel.address.replace("{tenant}", tenant) for channel in endpoints({})]
    read = [f"$JS.API.DIRECT.GET.{stream_of(fact)}.{fact}" for fact in facts]
    return [jobs, subjects.api("submit", tenant, "*"), *requests, *read]


def may_hear(tenant: str) -> list[str]:
    return [subjects.live(JobName(tenant, "*"))]


def account(caller: Credentials, partitions: Partitions = Partitions()) -> str:  # noqa: B008
    """The tenant's account with this caller, for `accounts` of the server's configuration.

    Another caller of the tenant is another one of its `users`.
    """
    tenant, user, password = caller
    services, streams = may_publish(tenant, partitions), may_hear(tenant)
    imports = [(kind, subject) for kind, some in (("service", services), ("stream", streams)) for subject in some]
    return "\n".join(
        (
            f'"tenant-{tenant}": {{',
            f'  users: [\n    {{ user: "{user}", password: "{password}" }}\n  ]',
            "  default_permissions: {",
            f"    publish: [{_quoted(services)}\n    ]",
            f"    subscribe: [{_quoted((*streams, _INBOX))}\n    ]",
            "  }",
            "  imports: [",
            *(f'    {{ {kind}: {{ account: {FLEET}, subject: "{subject}" }} }}' for kind, subject in imports),
            "  ]",
            "}",
        )
    )


def _quoted(some: Iterable[str]) -> str:
    return "".join(f'\n      "{one}"' for one in some)
